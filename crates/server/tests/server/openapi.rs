//! The description of the API (`/openapi.json`) against the archive.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{Method, Request};
use esmond_ps_model::{Registry, TimeArguments};
use esmond_ps_server::paths::{Resource, resolve};
use jsonschema::Validator;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::support::{ARCHIVE, Answer, Archive, KEY, config};

/// The description.
pub(crate) struct Description {
    document: Value,
}

/// The one that the program ships.
pub(crate) static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| {
    let text = include_str!("../../src/openapi.json");
    let document = serde_json::from_str(text).unwrap();
    Description { document }
});

/// The names of parameters in example paths.
const PATH: [(&str, &str); 4] = [
    ("{metadata-key}", "684ee180c2a9e5e7a0c1b2d3e4f50617"),
    ("{event-type}", "throughput"),
    ("{summary-type}", "averages"),
    ("{window}", "300"),
];

impl Description {
    fn paths(&self) -> &Map<String, Value> {
        self.document["paths"].as_object().unwrap()
    }

    /// Follows a reference, if it is one.
    fn followed<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self
                .document
                .pointer(reference.strip_prefix('#').unwrap())
                .unwrap_or_else(|| panic!("{reference} leads nowhere")),
            None => value,
        }
    }

    fn item(&self, template: &str) -> &Value {
        self.followed(&self.paths()[template])
    }

    /// The methods of a path, as the `Allow` header names them.
    fn methods(&self, template: &str) -> BTreeSet<String> {
        let item = self.item(template).as_object().unwrap();
        let methods = item.keys().filter(|name| {
            !matches!(
                name.as_str(),
                "parameters" | "servers" | "summary" | "description"
            )
        });
        methods.map(|name| name.to_uppercase()).collect()
    }

    /// The described path of a request, if it has one.
    fn template(&self, path: &str) -> Option<&str> {
        let path = percent_decode_str(path).decode_utf8().ok()?;
        // The alias stands before the API, not before what is at the root.
        let below = path
            .strip_prefix("/esmond/")
            .map(|rest| rest.trim_start_matches('/'));
        let path = match below.filter(|rest| rest.starts_with("perfsonar")) {
            Some(rest) => &format!("/{rest}"),
            None => path.as_ref(),
        };
        let segments: Vec<&str> = path.split('/').collect();
        let mut fitting: Vec<&str> = self
            .paths()
            .keys()
            .filter(|template| fits(template, &segments))
            .map(String::as_str)
            .collect();
        // As OpenAPI says, what is spelled out goes before a parameter.
        fitting.sort_by_key(|template| template.matches('{').count());
        fitting.first().copied()
    }

    fn parameters(&self, template: &str, method: &str) -> BTreeSet<String> {
        let item = self.item(template);
        let lists = [&item["parameters"], &item[method]["parameters"]];
        lists
            .iter()
            .filter_map(|list| list.as_array())
            .flatten()
            .map(|parameter| {
                self.followed(parameter)["name"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }

    /// Checks that an answer is one of those that are described. Paths and methods
    /// that are not described may be refused only.
    pub(crate) fn check(&self, method: &str, path: &str, answer: &Answer) -> Result<(), String> {
        let status = answer.status.as_u16();
        let operation = self
            .template(path)
            .and_then(|template| self.item(template).get(method.to_lowercase()));
        let Some(operation) = operation else {
            let refused = [401, 404, 405, 406].contains(&status);
            return refused
                .then_some(())
                .ok_or_else(|| format!("{method} {path} is not described, but {status}"));
        };
        let described = operation["responses"]
            .get(status.to_string())
            .ok_or_else(|| format!("{method} {path} is not described to be {status}"))?;
        if answer.bytes.is_empty() {
            return Ok(());
        }
        let content = self.followed(described).get("content");
        let content_type = answer.header("content-type").unwrap_or_default();
        let schema = content
            .and_then(|content| content.get(content_type))
            .ok_or_else(|| format!("{method} {path} {status} is not to be {content_type}"))?;
        if content_type != "application/json" {
            return Ok(());
        }
        let validator = self.validator(&schema["schema"]);
        validator
            .validate(&answer.json())
            .map_err(|error| format!("{method} {path} {status}: {error}"))
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        jsonschema::draft202012::new(&whole).unwrap()
    }
}

fn fits(template: &str, segments: &[&str]) -> bool {
    let template: Vec<&str> = template.split('/').collect();
    template.len() == segments.len()
        && template
            .iter()
            .zip(segments)
            .all(|(name, given)| name == given || (name.starts_with('{') && !given.is_empty()))
}

fn example(template: &str) -> String {
    PATH.iter()
        .fold(template.to_owned(), |path, (name, value)| {
            path.replace(name, value)
        })
}

async fn ask(archive: &Archive, method: &str, path: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Token {KEY}"));
    archive.ask(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_description_is_served_to_anybody_with_the_alias_of_the_archive() {
    // DIFFERENCE: the original has none.
    let mut config = config();
    config.script_alias = "measured".to_owned();
    config.require_auth_for_reads = true;
    let archive = Archive::with(config).await;
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let answer = archive.ask(request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let mut expected = DESCRIPTION.document.clone();
    expected["servers"][0]["url"] = json!("/measured");
    assert_eq!(answer.json(), expected);
    let answer = ask(&archive, "POST", "/openapi.json").await;
    assert_eq!(answer.status, 405);
}

#[test]
fn the_description_is_openapi_without_loose_ends() {
    let document = &DESCRIPTION.document;
    assert_eq!(document["openapi"], "3.1.0");
    let mut used = BTreeSet::new();
    let mut left = vec![document];
    while let Some(value) = left.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            DESCRIPTION.followed(value);
            used.insert(reference.to_owned());
        }
        match value {
            Value::Object(map) => left.extend(map.values()),
            Value::Array(list) => left.extend(list),
            _ => {}
        }
    }
    for kind in ["pathItems", "parameters", "schemas", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(used.contains(&reference), "{reference} is not used");
        }
    }
    for schema in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .values()
    {
        DESCRIPTION.validator(schema);
    }
}

#[tokio::test]
async fn the_methods_of_each_path_are_those_that_the_archive_allows() {
    let archive = Archive::new().await;
    for template in DESCRIPTION.paths().keys() {
        let path = example(template);
        let answer = ask(&archive, "DELETE", &path).await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed = answer.header("allow").unwrap().split(", ");
        let allowed: BTreeSet<String> = allowed.map(str::to_owned).collect();
        assert_eq!(allowed, DESCRIPTION.methods(template), "{template}");
        let below = ask(&archive, "DELETE", &format!("/esmond{path}")).await;
        let at_root = DESCRIPTION.item(template).get("servers").is_some();
        assert_eq!(below.status, if at_root { 404 } else { 405 }, "{path}");
    }
}

#[test]
fn every_resource_is_described_with_and_without_a_slash() {
    let mut kinds = BTreeSet::new();
    for template in DESCRIPTION.paths().keys() {
        let path = example(template);
        if let Some(target) = resolve(&path, "") {
            kinds.insert(match target.resource {
                Resource::Root => "root",
                Resource::List => "list",
                Resource::Record { .. } => "record",
                Resource::EventType { .. } => "event type",
                Resource::Summaries { .. } => "summaries",
                Resource::Series { summary_type, .. } if summary_type == "base" => "base",
                Resource::Series { .. } => "series",
            });
            let other = match template.strip_suffix('/') {
                Some(bare) => bare.to_owned(),
                None => format!("{template}/"),
            };
            let other = DESCRIPTION.paths().get(&other);
            assert_eq!(other, Some(&DESCRIPTION.paths()[template]), "{template}");
        }
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

#[test]
fn every_query_parameter_that_means_something_is_described() {
    let list = DESCRIPTION.parameters("/perfsonar/archive/", "get");
    let names = |fixed: &[&str]| -> BTreeSet<String> {
        let times = TimeArguments::NAMES.iter();
        fixed
            .iter()
            .chain(times)
            .map(|name| (*name).to_owned())
            .collect()
    };
    let mut expected = names(&[
        "format",
        "limit",
        "offset",
        "dns-match-rule",
        "metadata-key",
        "subject-type",
        "event-type",
        "summary-type",
        "summary-window",
        "parameters",
    ]);
    let registry = Registry::standard();
    for kind in ["point-to-point", "network-element"] {
        let fields = &registry.subject_type(kind).unwrap().fields;
        expected.extend(fields.iter().map(|field| field.filter.clone().into_owned()));
    }
    assert_eq!(list, expected);
    let series = DESCRIPTION
        .template("/perfsonar/archive/k/throughput/base")
        .unwrap();
    let mut expected = names(&["format", "limit", "offset"]);
    expected.extend(["metadata-key", "event-type"].map(str::to_owned));
    assert_eq!(DESCRIPTION.parameters(series, "get"), expected);
}

/// Requests beyond the recordings: what stands at the root, and writes.
#[tokio::test]
async fn what_the_archive_answers_is_as_described() {
    let archive = Archive::new().await;
    let key = archive
        .record(&json!([{"event-type": "throughput",
            "summaries": [{"summary-type": "average", "summary-window": 300}]}]))
        .await;
    let base = format!("{ARCHIVE}{key}/throughput/base");
    for (method, path) in [
        ("GET", "/healthz"),
        ("HEAD", "/healthz"),
        ("GET", "/metrics"),
        ("GET", "/metrics?a&b&c"),
        ("GET", "/openapi.json"),
        ("PUT", "/logstash"),
        ("POST", "/logstash/"),
        ("GET", "/perfsonar"),
        ("GET", ARCHIVE),
        ("GET", &base),
        ("OPTIONS", &base),
        ("POST", &base),
        ("PUT", &format!("{ARCHIVE}{key}")),
        ("GET", &format!("{ARCHIVE}{key}/throughput/averages")),
        ("POST", &format!("{ARCHIVE}{key}/throughput/averages/300/")),
    ] {
        let answer = ask(&archive, method, path).await;
        let bare = path.split('?').next().unwrap();
        DESCRIPTION.check(method, bare, &answer).unwrap();
    }
    let point = json!({"ts": 1, "val": 2});
    let path = format!("{key}/throughput/base");
    for status in [201, 409] {
        let answer = archive.write(Method::POST, &path, &point).await;
        assert_eq!(answer.status, status);
        DESCRIPTION.check("POST", &base, &answer).unwrap();
    }
    let bulk = json!({"data": [{"ts": 1, "val": [{"event-type": "throughput", "val": 2}]}]});
    let answer = archive.write(Method::PUT, &key, &bulk).await;
    assert_eq!(answer.status, 409);
    DESCRIPTION
        .check("PUT", &format!("{ARCHIVE}{key}"), &answer)
        .unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_described_is_found() {
    let archive = Archive::new().await;
    let answer = archive.get("").await;
    let wrong = DESCRIPTION
        .check("GET", "/perfsonar/", &answer)
        .unwrap_err();
    assert!(wrong.contains("is not of type"), "{wrong}");
    let answer = ask(&archive, "GET", "/metrics").await;
    assert!(DESCRIPTION.check("GET", ARCHIVE, &answer).is_err());
    assert!(DESCRIPTION.check("BREW", ARCHIVE, &answer).is_err());
}
