use esmond_ps_model::registry::{FieldKind, StorageClass};
use esmond_ps_model::{DataType, Registry, RowLayout, SummaryType};

use super::{load, parse};

fn read(text: &str) -> Registry {
    parse(text, "t").unwrap_or_else(|error| panic!("{error}"))
}

/// What is wrong, without the name of the file.
fn wrong(text: &str) -> Vec<String> {
    let error = parse(text, "types.toml").unwrap_err().to_string();
    error
        .lines()
        .map(|line| line.strip_prefix("types.toml:").unwrap().to_owned())
        .collect()
}

#[test]
fn an_empty_file_adds_nothing() {
    assert_eq!(read("").event_types().count(), 49);
    assert_eq!(read("# nothing\n[event-types]\n").event_types().count(), 49);
}

#[test]
fn every_part_has_a_default() {
    let registry = read(
        r#"
        [event-types.process-count]
        data-type = "integer"
        [data-types.streams]
        validator = "number-list"
        [event-types.cpu-load]
        data-type = "streams"
        [subject-types.rack]
        fields = [
            { name = "rack-ip", type = "ip" },
            { name = "rack-name", type = "text" },
        ]
        "#,
    );
    let count = registry.event_type("process-count").unwrap();
    assert_eq!(count.data_type, DataType::Integer);
    assert_eq!(count.layout, RowLayout::Numeric);
    assert!(count.added && count.rules.allows(SummaryType::Average));
    let load = registry.event_type("cpu-load").unwrap();
    assert_eq!(load.data_type, DataType::Json);
    assert_eq!(load.layout, RowLayout::NumberList);
    assert_eq!(load.rules.storage(), StorageClass::Document);
    let rack = registry.subject_type("rack").unwrap();
    let names: Vec<&str> = rack
        .fields
        .iter()
        .map(|field| field.name.as_ref())
        .collect();
    assert_eq!(names, ["rack-ip", "rack-name"]);
    assert!(registry.subject_filter("rack-ip").unwrap().resolves);
    assert!(!registry.subject_filter("rack-name").unwrap().resolves);
}

#[test]
fn every_part_can_be_told() {
    let registry = read(
        r#"
        [data-types]
        up = { validator = "boolean", storage = "integer", summaries = ["average"] }
        [event-types]
        link-up = { data-type = "up", client-layout = "value" }
        [subject-types.link]
        fields = [
            { name = "source", type = "ip", filter = "own" },
            { name = "link-far-end", type = "ip", filter = "link-ip", resolves = false },
        ]
        "#,
    );
    let up = registry.event_type("link-up").unwrap();
    assert_eq!(
        (up.data_type, up.layout),
        (DataType::Integer, RowLayout::Value)
    );
    assert!(up.rules.allows(SummaryType::Average));
    assert!(!up.rules.allows(SummaryType::Aggregation));
    let filter = registry.subject_filter("link-ip").unwrap();
    assert_eq!(filter.fields, ["link-far-end"]);
    assert_eq!((filter.kind, filter.resolves), (FieldKind::Address, false));
    assert_eq!(
        registry.subject_filter("source").unwrap().fields,
        ["source"]
    );
}

#[test]
fn a_kind_that_is_code_is_a_validator() {
    let registry = read(
        r#"
        [data-types]
        reading = { validator = "gauge" }
        level = { validator = "gauge", storage = "custom", summaries = ["statistics"] }
        [event-types]
        queue = { data-type = "reading" }
        tank = { data-type = "level", client-layout = "value" }
        "#,
    );
    let queue = registry.event_type("queue").unwrap();
    assert_eq!(
        (queue.data_type, queue.layout),
        (DataType::Json, RowLayout::Numeric)
    );
    assert_eq!(queue.rules.storage(), StorageClass::Custom);
    let tank = registry.event_type("tank").unwrap();
    assert_eq!(tank.layout, RowLayout::Value);
    for (summary, of_tank) in [
        (SummaryType::Aggregation, false),
        (SummaryType::Average, false),
        (SummaryType::Statistics, true),
    ] {
        assert!(queue.rules.allows(summary));
        assert_eq!(tank.rules.allows(summary), of_tank, "{summary}");
    }
    let text = r#"[data-types.a]
validator = "Gauge"
[data-types.b]
validator = "gauge"
storage = "float"
"#;
    let found = wrong(text);
    assert!(
        found[0].starts_with("2:13: unknown validator `Gauge`: one of")
            && found[0].contains("`object`, `gauge`"),
        "{found:?}"
    );
    assert_eq!(
        found[1..],
        ["5:11: storage `float` does not hold `gauge` values: they are stored as `custom`"]
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    let found = wrong("[event-types.a]\ndata-type = integer\n[x\n");
    assert!(found[0].starts_with("2:13: not TOML: "), "{found:?}");
    assert!(found.len() > 1 && found[1].starts_with("3:"), "{found:?}");
    let twice = wrong("[event-types.a]\ndata-type = \"json\"\n[event-types.a]\n");
    assert!(twice[0].starts_with("3:"), "{twice:?}");
}

#[test]
fn every_mistake_is_told_at_once_in_the_order_of_the_file() {
    // DIFFERENCE: the original has no such file.
    let text = r#"[event-types.throughput]
data-type = "integer"
[event-types.limit]
data-type = "integer"
[event-types.a]
data-typ = "integer"
[event-types.b]
data-type = "number"
[event-types.c]
data-type = "integer"
client-layout = "packet-trace"
[event-types.d]
data-type = 5
client-layout = "table"
[event-types]
e = "integer"
[eventtypes]
"#;
    assert_eq!(
        wrong(text),
        [
            "1:14: `throughput` is standard and cannot be changed",
            "3:14: the name `limit` has a meaning of its own in the API",
            "5:14: `data-type` is missing",
            "6:1: unknown key `data-typ`: keys are `data-type`, `client-layout`",
            "8:13: unknown data type `number`: one of `float`, `histogram`, `integer`, `json`, \
             `percentage`, `subinterval`",
            "11:17: layout `packet-trace` does not fit `integer` values",
            "13:13: expected a string, found an integer",
            "14:17: unknown client-layout `table`: one of `numeric`, `failures`, `packet-trace`, \
             `histogram`, `subintervals`, `number-list`, `subinterval-list`, `value`",
            "16:5: expected a table, found a string",
            "17:2: unknown key `eventtypes`: keys are `data-types`, `event-types`, `subject-types`",
        ]
    );
}

#[test]
fn data_types_whose_parts_do_not_fit_are_told_once() {
    let text = r#"[data-types.integer]
validator = "integer"
[data-types.Name]
validator = "integer"
[data-types.a]
validator = "number"
[data-types.b]
validator = "float"
storage = "integer"
[data-types.c]
validator = "float"
summaries = ["average", "statistics", "sum", "base"]
[data-types.d]
storage = "document"
[event-types.x]
data-type = "b"
"#;
    let found = wrong(text);
    let starts = [
        "1:13: `integer` is standard",
        "3:13: the name `Name` must begin with a lower-case letter",
        "6:13: unknown validator `number`: one of `integer`, `float`, ",
        "9:11: storage `integer` does not hold `float` values: they are stored as `float` or",
        "12:25: values stored as `float` have no summary `statistics`",
        "12:39: unknown summary `sum`: one of `aggregation`, `average`, `statistics`",
        "12:46: unknown summary `base`",
        "13:13: `validator` is missing",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
}

#[test]
fn fields_that_mean_something_else_are_told_with_their_line() {
    let text = r#"[subject-types.point-to-point]
fields = [{ name = "a", type = "text" }]
[subject-types.a]
fields = []
[subject-types.b]
[subject-types.c]
fields = [
    { name = "c-x", type = "text" },
    { name = "c-x", type = "text" },
    { name = "ip-tos", type = "text" },
    { name = "time-start", type = "text" },
    { name = "source", type = "text" },
    { name = "c-y", type = "url" },
    { type = "ip", filter = 5 },
    { name = "c-z", type = "text", resolves = true },
    { name = "c_u", type = "text", required = false },
    "c-v",
]
[subject-types.d]
fields = [{ name = "d-x", type = "ip", filter = "limit" }]
"#;
    let found = wrong(text);
    let starts = [
        "1:16: `point-to-point` is standard",
        "3:16: a subject type needs fields",
        "5:16: `fields` is missing",
        "9:5: the field `c-x` comes twice",
        "10:5: `ip-tos` is a parameter of perfSONAR tests",
        "11:5: the name `time-start` has a meaning of its own in the API",
        "12:5: the field `source` of another subject type has another type",
        "13:28: unknown type `url`: one of `ip`, `text`",
        "14:5: `name` is missing",
        "15:5: only fields of type `ip` can be found by host name",
        "16:5: the name `c_u` must begin with a lower-case letter",
        "16:36: unknown key `required`: keys are `name`, `type`, `filter`, `resolves`",
        "17:5: expected a table, found a string",
        "20:11: the name `limit` has a meaning of its own in the API",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
}

#[test]
fn a_clash_is_told_of_the_later_subject_type_of_the_file() {
    let text = r#"[subject-types.z]
fields = [{ name = "z-x", type = "text" }]
[subject-types.a]
fields = [{ name = "z-x", type = "ip" }]
"#;
    let expected = "4:11: the field `z-x` of another subject type has another type";
    assert_eq!(wrong(text), [expected]);
}

#[test]
fn fields_can_share_a_filter() {
    let text = r#"[subject-types.a]
fields = [
    { name = "a-x", type = "ip", filter = "source" },
    { name = "a-y", type = "ip", filter = "source" },
    { name = "a-z", type = "text", filter = "source" },
]
"#;
    let expected = "5:5: the other fields of the filter `source` have another type";
    assert_eq!(wrong(text), [expected]);
    let text = text.replace("text", "ip");
    let registry = read(&text);
    let filter = registry.subject_filter("source").unwrap();
    assert_eq!(filter.fields, ["source", "a-x", "a-y", "a-z"]);
}

#[test]
fn columns_count_characters() {
    let found = wrong("[event-types]\n\"ä\" = { data-type = \"ü\", x = 1 }\n");
    assert!(
        found[0].starts_with("2:21: unknown data type `ü`"),
        "{found:?}"
    );
    assert!(found[1].starts_with("2:26: unknown key `x`"), "{found:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("types.toml");
    let text = load(&path).unwrap_err().to_string();
    assert!(text.starts_with(&path.display().to_string()), "{text}");
    assert!(text.contains("No such file"), "{text}");
    std::fs::write(&path, "[event-types.x]\n").unwrap();
    let text = load(&path).unwrap_err().to_string();
    assert!(
        text.ends_with("types.toml:1:14: `data-type` is missing"),
        "{text}"
    );
}
