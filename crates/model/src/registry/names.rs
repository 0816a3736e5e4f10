//! Which names and fields can be added to a registry.

use thiserror::Error;

use super::standard::{STANDARD_EVENT_TYPES, STANDARD_SUBJECT_TYPES};
use super::{DataType, FieldKind, Registry, RowLayout, SubjectField, Validator};
use crate::filter::STANDARD_FILTERS;
use crate::metadata::RESERVED_PROPERTIES;

/// Longest name, in characters: that of a parameter.
const LONGEST: usize = 128;

/// Names that an archive's answers and addresses use besides the standard
/// filters and the reserved properties.
const API_NAMES: [&str; 8] = [
    "base",
    "event-types",
    "summaries",
    "offset",
    "format",
    "username",
    "ts",
    "val",
];

/// Free-form parameters that perfSONAR tests have; a subject field of such a
/// name would hide them.
const PARAMETERS: [&str; 31] = [
    "bw-buffer-size",
    "bw-ignore-first-seconds",
    "bw-parallel-streams",
    "bw-stripes",
    "bw-target-bandwidth",
    "ip-dscp",
    "ip-fragment",
    "ip-packet-flowlabel",
    "ip-packet-interval",
    "ip-packet-padding",
    "ip-packet-size",
    "ip-tos",
    "ip-transport-protocol",
    "ip-ttl",
    "mode-flip",
    "mode-single-participant",
    "sample-bucket-width",
    "sample-size",
    "tcp-dynamic-window-size",
    "tcp-max-segment-size",
    "tcp-window-size",
    "time-duration",
    "time-interval",
    "time-interval-randomization",
    "time-probe-interval",
    "time-probe-timeout",
    "time-test-timeout",
    "trace-algorithm",
    "trace-first-ttl",
    "trace-max-ttl",
    "trace-num-queries",
];

/// Families of such parameters.
const PARAMETER_PREFIXES: [&str; 2] = ["pscheduler-", "gridftp-"];

/// Why something cannot be added to a registry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefinitionError {
    /// The name is not spelled as names are.
    #[error(
        "the name `{0}` must begin with a lower-case letter and have only lower-case letters, \
         digits and dashes, at most {LONGEST}"
    )]
    Spelling(String),
    /// The name has a meaning in requests or answers.
    #[error("the name `{0}` has a meaning of its own in the API")]
    Api(String),
    /// The name is that of a standard event type or subject type.
    #[error("`{0}` is standard and cannot be changed")]
    Standard(String),
    /// The name was added before.
    #[error("`{0}` was added before")]
    Twice(String),
    /// The layout cannot show the values.
    #[error("layout `{}` does not fit `{}` values", .layout.name(), .validator.name())]
    Layout {
        /// The layout asked for.
        layout: RowLayout,
        /// What the values are.
        validator: Validator,
    },
    /// A subject type has no fields.
    #[error("a subject type needs fields")]
    NoFields,
    /// A subject type has a field twice.
    #[error("the field `{0}` comes twice")]
    FieldTwice(String),
    /// The name is that of a parameter of perfSONAR tests.
    #[error("`{0}` is a parameter of perfSONAR tests")]
    Parameter(String),
    /// Fields of one name differ.
    #[error("the field `{name}` of another subject type has another {part}")]
    Differs {
        /// Name of the field.
        name: String,
        /// In what they differ.
        part: &'static str,
    },
    /// A field has the name of a filter that looks at another one.
    #[error("`{0}` is the filter of another field")]
    Filter(String),
    /// A filter has the name of a field that has another filter.
    #[error("`{0}` is a field that has another filter")]
    FilterOfAnother(String),
    /// Fields that share a filter differ.
    #[error("the other fields of the filter `{filter}` have another {part}")]
    FilterDiffers {
        /// Name of the filter.
        filter: String,
        /// In what they differ.
        part: &'static str,
    },
    /// Only addresses can be found by a host's name.
    #[error("only fields of type `ip` can be found by host name")]
    Resolves,
}

pub(super) fn check_event_type(registry: &Registry, name: &str) -> Result<(), DefinitionError> {
    check_new(name)?;
    if STANDARD_EVENT_TYPES
        .iter()
        .any(|&(known, _, _)| known == name)
    {
        return Err(DefinitionError::Standard(name.to_owned()));
    }
    match registry.event_type(name) {
        Some(_) => Err(DefinitionError::Twice(name.to_owned())),
        None => Ok(()),
    }
}

pub(super) fn check_subject_type(registry: &Registry, name: &str) -> Result<(), DefinitionError> {
    check_new(name)?;
    if STANDARD_SUBJECT_TYPES
        .iter()
        .any(|&(known, _)| known == name)
    {
        return Err(DefinitionError::Standard(name.to_owned()));
    }
    match registry.subject_type(name) {
        Some(_) => Err(DefinitionError::Twice(name.to_owned())),
        None => Ok(()),
    }
}

pub(super) fn check_field(
    registry: &Registry,
    field: &SubjectField,
    earlier: &[SubjectField],
) -> Result<(), DefinitionError> {
    let owned = |name: &str| name.to_owned();
    let (name, filter) = (field.name.as_ref(), field.filter.as_ref());
    check_property(registry, name)?;
    check_property(registry, filter)?;
    if earlier.iter().any(|other| other.name == name) {
        return Err(DefinitionError::FieldTwice(owned(name)));
    }
    if field.resolves && field.kind == FieldKind::Text {
        return Err(DefinitionError::Resolves);
    }
    for other in registry.fields().chain(earlier) {
        let part = if other.kind != field.kind {
            Some("type")
        } else if other.resolves != field.resolves {
            Some("`resolves`")
        } else if other.name == name && other.filter != filter {
            Some("filter")
        } else {
            None
        };
        if other.name == name
            && let Some(part) = part
        {
            let name = owned(name);
            return Err(DefinitionError::Differs { name, part });
        }
        if other.filter == filter
            && let Some(part) = part
        {
            let filter = owned(filter);
            return Err(DefinitionError::FilterDiffers { filter, part });
        }
        if other.filter == name && filter != name {
            return Err(DefinitionError::Filter(owned(name)));
        }
        if other.name == filter && other.filter != filter {
            return Err(DefinitionError::FilterOfAnother(owned(filter)));
        }
    }
    Ok(())
}

/// Checks the name of a field or of its filter.
fn check_property(registry: &Registry, name: &str) -> Result<(), DefinitionError> {
    check_spelling(name)?;
    // The fields of the standard subject types are standard filters, too.
    if registry.names_subject(name) {
        return Ok(());
    }
    if is_api_name(name) {
        return Err(DefinitionError::Api(name.to_owned()));
    }
    let family = PARAMETER_PREFIXES
        .iter()
        .any(|prefix| name.starts_with(prefix));
    if family || PARAMETERS.contains(&name) {
        return Err(DefinitionError::Parameter(name.to_owned()));
    }
    Ok(())
}

/// Checks the name of a data type that is added. Such names are used in
/// configuration only.
///
/// # Errors
///
/// A name that is none, or that of a standard data type.
pub fn check_data_type_name(name: &str) -> Result<(), DefinitionError> {
    check_spelling(name)?;
    match DataType::from_name(name) {
        Some(_) => Err(DefinitionError::Standard(name.to_owned())),
        None => Ok(()),
    }
}

fn check_new(name: &str) -> Result<(), DefinitionError> {
    check_spelling(name)?;
    if is_api_name(name) {
        return Err(DefinitionError::Api(name.to_owned()));
    }
    Ok(())
}

fn check_spelling(name: &str) -> Result<(), DefinitionError> {
    let bytes = name.as_bytes();
    let spelled = bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        && bytes.len() <= LONGEST;
    if spelled {
        Ok(())
    } else {
        Err(DefinitionError::Spelling(name.to_owned()))
    }
}

fn is_api_name(name: &str) -> bool {
    API_NAMES.contains(&name)
        || STANDARD_FILTERS.contains(&name)
        || RESERVED_PROPERTIES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::super::SubjectType;
    use super::*;
    use std::borrow::Cow;

    fn field(name: &str, kind: FieldKind, filter: &str, resolves: bool) -> SubjectField {
        SubjectField {
            name: Cow::Owned(name.to_owned()),
            kind,
            filter: Cow::Owned(filter.to_owned()),
            resolves,
        }
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        let mut registry = Registry::standard();
        let mut text = |name: &str| {
            registry
                .add_event_type(name, DataType::Json.rules(), None)
                .map_or_else(|error| error.to_string(), |()| "added".to_owned())
        };
        for name in ["", "Process", "process_count", "1st", "-x", "a.b", "größe"] {
            assert!(text(name).contains("lower-case"), "{name}");
        }
        assert!(text(&"x".repeat(129)).contains("at most 128"));
        for name in ["base", "limit", "time-start", "format", "source", "uri"] {
            assert!(text(name).contains("meaning of its own"), "{name}");
        }
        assert!(text("throughput").contains("is standard"));
        assert_eq!(text("process-count"), "added");
        assert!(text("process-count").contains("added before"));
    }

    #[test]
    fn a_layout_must_fit() {
        let mut registry = Registry::standard();
        let error = registry
            .add_event_type("x", DataType::Integer.rules(), Some(RowLayout::PacketTrace))
            .unwrap_err();
        let expected = "layout `packet-trace` does not fit `integer` values";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_field_means_one_thing_in_all_subject_types() {
        use FieldKind::{Address, Text};
        let mut registry = Registry::standard();
        registry
            .add_subject_type(SubjectType {
                name: Cow::Borrowed("car"),
                fields: vec![
                    field("car-vin", Text, "car-vin", false),
                    field("car-home", Address, "source", true),
                    field("car-radio", Address, "car-ip", false),
                ],
            })
            .unwrap();
        for (field, expected) in [
            (field("time-start", Text, "time-start", false), "in the API"),
            (field("van-x", Text, "limit", false), "in the API"),
            (field("ip-tos", Text, "ip-tos", false), "perfSONAR tests"),
            (field("gridftp-x", Text, "van-x", false), "perfSONAR tests"),
            (field("source", Text, "source", false), "another type"),
            (
                field("source", Address, "source", false),
                "another `resolves`",
            ),
            (field("source", Address, "van-ip", true), "another filter"),
            (
                field("van-x", Text, "source", false),
                "`source` have another type",
            ),
            (
                field("van-x", Address, "car-ip", true),
                "`car-ip` have another `resolves`",
            ),
            (
                field("car-ip", Address, "van-ip", false),
                "the filter of another",
            ),
            (
                field("van-x", Address, "car-home", true),
                "has another filter",
            ),
            (
                field("van-x", Text, "van-x", true),
                "only fields of type `ip`",
            ),
        ] {
            let error = registry.check_field(&field, &[]).unwrap_err().to_string();
            assert!(error.contains(expected), "{field:?}: {error}");
        }
        for fits in [
            field("source", Address, "source", true),
            field("tool-name", Text, "tool-name", false),
            field("van-vin", Text, "car-vin", false),
            field("van-radio", Address, "car-ip", false),
        ] {
            assert_eq!(registry.check_field(&fits, &[]), Ok(()), "{fits:?}");
            let twice = registry.check_field(&fits, std::slice::from_ref(&fits));
            assert!(matches!(twice, Err(DefinitionError::FieldTwice(_))));
        }
    }
}
