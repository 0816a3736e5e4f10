//! What the sections of the file mean.

use std::collections::BTreeMap;

use esmond_ps_model::registry::{
    DefinitionError, FieldKind, Rules, StorageClass, SubjectField, SubjectType, Validator,
    check_data_type_name,
};
use esmond_ps_model::{DataType, Registry, RowLayout, SummaryType};
use esmond_ps_store::kinds;
use toml::de::DeTable;

use super::document::{
    Key, Problems, Section, Value, array, choice, entries, flag, listed, table, text,
};

/// The value of `filter` that stands for the field's own name.
const OWN: &str = "own";

/// Data types by name; those that are wrong have no rules, so that whoever
/// uses them is not told so a second time.
type DataTypes = BTreeMap<String, Option<Rules>>;

/// Adds to the standard types what a text says.
pub(super) fn registry(source: &str, problems: &mut Problems<'_>) -> Registry {
    let mut registry = Registry::standard();
    let (document, errors) = DeTable::parse_recoverable(source);
    if !errors.is_empty() {
        for error in errors {
            let place = error.span().unwrap_or(0..0);
            problems.add(place, format!("not TOML: {}", error.message()));
        }
        return registry;
    }
    let known = ["data-types", "event-types", "subject-types"];
    let document = Section::new(document.get_ref(), 0..0, &known, problems);
    let [data_types, event_types, subject_types] = known.map(|name| {
        let section = document.get(name)?;
        table(section, problems).map(entries)
    });
    let data_types = self::data_types(data_types.unwrap_or_default(), problems);
    for (name, value) in event_types.unwrap_or_default() {
        event_type(name, value, &data_types, &mut registry, problems);
    }
    for (name, value) in subject_types.unwrap_or_default() {
        subject_type(name, value, &mut registry, problems);
    }
    registry
}

fn data_types(entries: Vec<(&Key<'_>, &Value<'_>)>, problems: &mut Problems<'_>) -> DataTypes {
    let standard = DataType::ALL.map(|kind| (kind.name().to_owned(), Some(kind.rules())));
    let mut data_types = DataTypes::from(standard);
    for (key, value) in entries {
        let name = key.get_ref();
        if problems
            .check(key.span(), check_data_type_name(name))
            .is_some()
        {
            let rules = rules(key, value, problems);
            data_types.insert(name.clone().into_owned(), rules);
        }
    }
    data_types
}

fn rules(key: &Key<'_>, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Rules> {
    let known = ["validator", "storage", "summaries"];
    let section = Section::new(table(value, problems)?, key.span(), &known, problems);
    let validator = section.require("validator", problems).and_then(|value| {
        let code = kinds::validators();
        let all: Vec<Validator> = Validator::ALL.into_iter().chain(code).collect();
        choice(value, "validator", &all, Validator::name, problems)
    })?;
    let mut place = key.span();
    let mut storage = None;
    if let Some(value) = section.get("storage") {
        place = value.span();
        let all = &StorageClass::ALL;
        storage = Some(choice(value, "storage", all, StorageClass::name, problems)?);
    }
    let checked = Rules::new(validator, storage, None);
    let all_summaries = problems.check(place, checked)?;
    let Some(value) = section.get("summaries") else {
        return Some(all_summaries);
    };
    let mut summaries = Vec::new();
    for item in array(value, problems)? {
        let all = &SummaryType::DERIVED;
        if let Some(summary) = choice(item, "summary", all, SummaryType::name, problems) {
            let checked = Rules::new(validator, storage, Some(&[summary]));
            if problems.check(item.span(), checked).is_some() {
                summaries.push(summary);
            }
        }
    }
    Rules::new(validator, storage, Some(&summaries)).ok()
}

fn event_type(
    key: &Key<'_>,
    value: &Value<'_>,
    data_types: &DataTypes,
    registry: &mut Registry,
    problems: &mut Problems<'_>,
) -> Option<()> {
    let known = ["data-type", "client-layout"];
    let section = Section::new(table(value, problems)?, key.span(), &known, problems);
    let data_type = section.require("data-type", problems);
    let layout = section.get("client-layout");
    let chosen = layout.and_then(|value| {
        choice(
            value,
            "client-layout",
            &RowLayout::ALL,
            RowLayout::name,
            problems,
        )
    });
    let data_type = data_type?;
    let name = text(data_type, problems)?;
    let Some(rules) = data_types.get(name) else {
        let known = listed(data_types.keys().map(String::as_str));
        problems.add(
            data_type.span(),
            format!("unknown data type `{name}`: one of {known}"),
        );
        return None;
    };
    let added = registry.add_event_type(key.get_ref(), rules.clone()?, chosen);
    let place = match (&added, layout) {
        (Err(DefinitionError::Layout { .. }), Some(layout)) => layout.span(),
        _ => key.span(),
    };
    problems.check(place, added)
}

fn subject_type(
    key: &Key<'_>,
    value: &Value<'_>,
    registry: &mut Registry,
    problems: &mut Problems<'_>,
) -> Option<()> {
    let section = Section::new(table(value, problems)?, key.span(), &["fields"], problems);
    let items = array(section.require("fields", problems)?, problems)?;
    let mut fields = Vec::with_capacity(items.len());
    for item in items {
        if let Some(field) = field(item, problems) {
            let checked = registry.check_field(&field, &fields);
            if problems.check(item.span(), checked).is_some() {
                fields.push(field);
            }
        }
    }
    if fields.len() < items.len() {
        return None;
    }
    let name = key.get_ref().clone().into_owned().into();
    let added = registry.add_subject_type(SubjectType { name, fields });
    problems.check(key.span(), added)
}

fn field(value: &Value<'_>, problems: &mut Problems<'_>) -> Option<SubjectField> {
    let known = ["name", "type", "filter", "resolves"];
    let section = Section::new(table(value, problems)?, value.span(), &known, problems);
    let name = section.require("name", problems);
    let kind = section.require("type", problems).and_then(|value| {
        let all = &[FieldKind::Address, FieldKind::Text];
        choice(value, "type", all, FieldKind::name, problems)
    });
    let name = text(name?, problems)?;
    let mut field = SubjectField::new(name.to_owned(), kind?);
    if let Some(value) = section.get("filter") {
        match text(value, problems)? {
            OWN => {}
            shared => field.filter = shared.to_owned().into(),
        }
    }
    if let Some(value) = section.get("resolves") {
        field.resolves = flag(value, problems)?;
    }
    Some(field)
}
