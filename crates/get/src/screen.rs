//! What is drawn on.

use std::env;

use esmond_ps_cli_common::output;
use esmond_ps_plot::Screen;

/// Returns what the standard output is; where it is no terminal, one of 80 columns and
/// 24 lines. `LINES` comes before what the terminal says, as `COLUMNS` does.
pub(crate) fn of_stdout() -> Screen {
    let screen = output::Screen::of_stdout();
    let told = env::var("LINES").ok().and_then(|text| text.parse().ok());
    let lines = told.filter(|lines| *lines > 0).or_else(|| {
        let (_, height) = terminal_size::terminal_size()?;
        Some(usize::from(height.0))
    });
    Screen {
        columns: screen.width.unwrap_or(80),
        lines: lines.unwrap_or(24),
        colour: screen.colour,
        unicode: is_utf_8(|name| env::var(name).ok()),
    }
}

/// Tells whether a locale has UTF-8: of `LC_ALL`, `LC_CTYPE` and `LANG` the first
/// that is set counts.
fn is_utf_8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|text| !text.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::is_utf_8;

    #[test]
    fn the_first_locale_that_is_set_counts() {
        let of = |set: &'static [(&'static str, &'static str)]| {
            is_utf_8(move |name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(of(&[("LANG", "de_DE.UTF-8")]));
        assert!(of(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(!of(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]));
        assert!(!of(&[]));
    }
}
