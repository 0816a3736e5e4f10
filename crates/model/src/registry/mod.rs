//! The event types, data types and subject types that an archive knows.
//!
//! Source of the tables: the registry of esmond 4.4.6, which has 49 event
//! types. An archive can be extended by its operator, so everything is looked
//! up in a [`Registry`] value rather than in constants. What is added must not
//! take a name that has a meaning already.

mod data_type;
mod names;
mod standard;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use data_type::{CustomKind, DataType, RowLayout, Rules, RulesError, StorageClass, Validator};
pub use names::{DefinitionError, check_data_type_name};
pub use standard::{NETWORK_ELEMENT, POINT_TO_POINT, listed_event_types};

use standard::{STANDARD_EVENT_TYPES, STANDARD_SUBJECT_TYPES};

/// One event type of a [`Registry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypeDefinition {
    /// Name, such as `throughput`.
    pub name: Cow<'static, str>,
    /// Type as which its values are read.
    pub data_type: DataType,
    /// How its values are checked, stored and summarised.
    pub rules: Rules,
    /// Layout of its rows in the query programs.
    pub layout: RowLayout,
    /// Whether it is none of the standard ones, so that clients must be told
    /// what it is.
    pub added: bool,
}

/// How a field of a subject is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// An IPv4 or IPv6 address.
    Address,
    /// Text of at most 128 characters.
    Text,
}

impl FieldKind {
    /// Returns the name used in configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "ip",
            Self::Text => "text",
        }
    }

    /// Reads a name; case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Address, Self::Text]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A field of a subject type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectField {
    /// Name in JSON, such as `input-source`.
    pub name: Cow<'static, str>,
    /// How its values are checked.
    pub kind: FieldKind,
    /// Name of the search filter that looks at the field. Several fields can
    /// share one; a record matches when one of them does.
    pub filter: Cow<'static, str>,
    /// Whether the filter takes host names, which become addresses.
    pub resolves: bool,
}

impl SubjectField {
    /// Makes a field with a filter of its own name, which takes host names if
    /// the field is an address.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, kind: FieldKind) -> Self {
        let name = name.into();
        Self {
            filter: name.clone(),
            name,
            kind,
            resolves: kind == FieldKind::Address,
        }
    }
}

/// A kind of test subject. All its fields are required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectType {
    /// Name, such as `point-to-point`.
    pub name: Cow<'static, str>,
    /// Fields in the order in which records show them.
    pub fields: Vec<SubjectField>,
}

/// A search filter on subjects, and what it looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectFilter<'a> {
    /// Names of the fields that it looks at, each once.
    pub fields: Vec<&'a str>,
    /// How the fields are checked.
    pub kind: FieldKind,
    /// Whether it takes host names.
    pub resolves: bool,
}

/// Everything that can be named in metadata.
#[derive(Debug, Clone)]
pub struct Registry {
    event_types: BTreeMap<Cow<'static, str>, EventTypeDefinition>,
    subject_types: Vec<SubjectType>,
}

impl Registry {
    /// Returns the event types and subject types of esmond 4.4.6.
    #[must_use]
    pub fn standard() -> Self {
        let event_types = STANDARD_EVENT_TYPES
            .iter()
            .map(|&(name, data_type, layout)| {
                let name = Cow::Borrowed(name);
                let definition = EventTypeDefinition {
                    name: name.clone(),
                    data_type,
                    rules: data_type.rules(),
                    layout,
                    added: false,
                };
                (name, definition)
            })
            .collect();
        let subject_types = STANDARD_SUBJECT_TYPES
            .iter()
            .map(|&(name, fields)| SubjectType {
                name: Cow::Borrowed(name),
                fields: fields
                    .iter()
                    .map(|&(name, kind)| SubjectField::new(name, kind))
                    .collect(),
            })
            .collect();
        Self {
            event_types,
            subject_types,
        }
    }

    /// Adds an event type. Without a layout it gets the first that its rules
    /// [have](Rules::layouts).
    ///
    /// # Errors
    ///
    /// A name that is taken or none, or a layout that does not fit the rules.
    pub fn add_event_type(
        &mut self,
        name: &str,
        rules: Rules,
        layout: Option<RowLayout>,
    ) -> Result<(), DefinitionError> {
        names::check_event_type(self, name)?;
        let layouts = rules.layouts();
        let layout = layout.unwrap_or(layouts[0]);
        if !layouts.contains(&layout) {
            return Err(DefinitionError::Layout {
                layout,
                validator: rules.validator(),
            });
        }
        let name: Cow<'static, str> = Cow::Owned(name.to_owned());
        let definition = EventTypeDefinition {
            name: name.clone(),
            data_type: rules.data_type(),
            rules,
            layout,
            added: true,
        };
        self.event_types.insert(name, definition);
        Ok(())
    }

    /// Adds a subject type.
    ///
    /// # Errors
    ///
    /// A name that is taken or none, no fields, a field that comes twice, and
    /// what [`check_field`](Self::check_field) refuses.
    pub fn add_subject_type(&mut self, subject_type: SubjectType) -> Result<(), DefinitionError> {
        names::check_subject_type(self, &subject_type.name)?;
        if subject_type.fields.is_empty() {
            return Err(DefinitionError::NoFields);
        }
        for (index, field) in subject_type.fields.iter().enumerate() {
            let earlier = &subject_type.fields[..index];
            self.check_field(field, earlier)?;
        }
        self.subject_types.push(subject_type);
        Ok(())
    }

    /// Checks a field to be added to a subject type after its `earlier` ones.
    /// It may have the name of another subject type's field when it is the
    /// same in everything else.
    ///
    /// # Errors
    ///
    /// Names that have another meaning, and a filter that would mean two
    /// things.
    pub fn check_field(
        &self,
        field: &SubjectField,
        earlier: &[SubjectField],
    ) -> Result<(), DefinitionError> {
        names::check_field(self, field, earlier)
    }

    /// Looks up an event type by its exact name.
    #[must_use]
    pub fn event_type(&self, name: &str) -> Option<&EventTypeDefinition> {
        self.event_types.get(name)
    }

    /// Returns all event types, sorted by name.
    pub fn event_types(&self) -> impl Iterator<Item = &EventTypeDefinition> {
        self.event_types.values()
    }

    /// Looks up a subject type by its exact name.
    #[must_use]
    pub fn subject_type(&self, name: &str) -> Option<&SubjectType> {
        self.subject_types.iter().find(|kind| kind.name == name)
    }

    /// Looks up a field of any subject type.
    #[must_use]
    pub fn subject_field(&self, name: &str) -> Option<&SubjectField> {
        self.fields().find(|field| field.name == name)
    }

    /// Tells whether a name is that of a subject field, or of a filter on
    /// subjects; then it can be no free-form parameter.
    #[must_use]
    pub fn names_subject(&self, name: &str) -> bool {
        self.fields()
            .any(|field| field.name == name || field.filter == name)
    }

    /// Looks up a filter on subjects; `None` when the name is a free-form
    /// parameter.
    #[must_use]
    pub fn subject_filter(&self, name: &str) -> Option<SubjectFilter<'_>> {
        let mut found: Option<SubjectFilter<'_>> = None;
        for field in self.fields().filter(|field| field.filter == name) {
            let filter = found.get_or_insert_with(|| SubjectFilter {
                fields: Vec::new(),
                kind: field.kind,
                resolves: field.resolves,
            });
            if !filter.fields.contains(&field.name.as_ref()) {
                filter.fields.push(&field.name);
            }
        }
        found
    }

    fn fields(&self) -> impl Iterator<Item = &SubjectField> {
        self.subject_types.iter().flat_map(|kind| &kind.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_49_event_types_are_known_once() {
        let registry = Registry::standard();
        assert_eq!(registry.event_types().count(), 49);
        assert_eq!(STANDARD_EVENT_TYPES.len(), 49);
    }

    #[test]
    fn the_layout_of_every_standard_event_type_could_be_configured() {
        for definition in Registry::standard().event_types() {
            let layouts = definition.rules.layouts();
            assert!(layouts.contains(&definition.layout), "{}", definition.name);
        }
    }

    #[test]
    fn a_field_of_a_subject_is_no_free_form_parameter() {
        let registry = Registry::standard();
        let destination = registry.subject_filter("destination").unwrap();
        assert_eq!(destination.fields, ["destination"]);
        assert!(destination.resolves);
        let tool = registry.subject_filter("tool-name").unwrap();
        assert_eq!((tool.kind, tool.resolves), (FieldKind::Text, false));
        assert_eq!(registry.subject_filter("ip-tos"), None);
        assert!(registry.names_subject("tool-name"));
        assert!(!registry.names_subject("ip-tos"));
    }

    #[test]
    fn a_shared_filter_looks_at_all_its_fields() {
        let mut registry = Registry::standard();
        let home = SubjectField {
            filter: Cow::Borrowed("source"),
            ..SubjectField::new("car-home", FieldKind::Address)
        };
        registry
            .add_subject_type(SubjectType {
                name: Cow::Borrowed("car"),
                fields: vec![home],
            })
            .unwrap();
        let source = registry.subject_filter("source").unwrap();
        assert_eq!(source.fields, ["source", "car-home"]);
        // It has no filter of its own, and is no free-form parameter either.
        assert_eq!(registry.subject_filter("car-home"), None);
        assert!(registry.names_subject("car-home"));
    }
}
