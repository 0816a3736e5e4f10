//! Values that completions offer for options whose values the programs check
//! themselves, in words of their own.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};

/// A parser that names values and takes any text.
#[derive(Debug, Clone)]
struct Offer(Vec<&'static str>);

impl TypedValueParser for Offer {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        option: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, option, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

/// Returns an option of any text with values that completions offer. The text of its
/// help names them.
///
/// ```
/// use clap::{Arg, Command};
/// use esmond_ps_cli_common::offer;
///
/// let format = offer::values(Arg::new("format"), ["json", "csv"]);
/// let typed = Command::new("p").arg(format).get_matches_from(["p", "jso"]);
/// assert_eq!(typed.get_one::<String>("format").map(String::as_str), Some("jso"));
/// ```
#[must_use]
pub fn values(option: Arg, values: impl IntoIterator<Item = &'static str>) -> Arg {
    option
        .value_parser(Offer(values.into_iter().collect()))
        .hide_possible_values(true)
}
