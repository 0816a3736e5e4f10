//! Replays recordings of the original archive against ours.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use esmond_ps_store::{KeyHash, Store};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::departures::{self, Departure};
use crate::openapi::DESCRIPTION;
use crate::support::{Answer, Archive, KEY, NOW, config};

/// One recorded scenario.
#[derive(Deserialize)]
pub(crate) struct Scenario {
    pub(crate) scenario: String,
    deployment: String,
    setup: Setup,
    pub(crate) exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Setup {
    users: Vec<User>,
    #[serde(default)]
    user_ip_addresses: Vec<String>,
}

#[derive(Deserialize)]
struct User {
    username: String,
    token: String,
    #[serde(default = "yes")]
    is_active: bool,
}

fn yes() -> bool {
    true
}

/// A request and its recorded response.
#[derive(Deserialize)]
pub(crate) struct Exchange {
    pub(crate) name: String,
    pub(crate) request: Recorded,
    pub(crate) response: Expected,
}

/// A recorded request.
#[derive(Deserialize)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) path: String,
    query: String,
    headers: Map<String, Value>,
    body: Option<Value>,
    body_text: Option<String>,
    body_bytes_hex: Option<String>,
}

/// What an answer must be: at first the recording, then with our departures.
#[derive(Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    pub(crate) headers: Map<String, Value>,
    #[serde(default)]
    pub(crate) body: Value,
}

impl Recorded {
    /// Returns the body, with its placeholders.
    pub(crate) fn sent(&self) -> Vec<u8> {
        if let Some(hex) = &self.body_bytes_hex {
            return (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
                .collect();
        }
        let json = self.body.as_ref().map(ToString::to_string);
        let text = self.body_text.clone().or(json).unwrap_or_default();
        text.into_bytes()
    }
}

impl Scenario {
    /// Returns the recorded response of another exchange.
    pub(crate) fn response(&self, name: &str) -> Expected {
        let found = self.exchanges.iter().find(|exchange| exchange.name == name);
        let exchange = found.unwrap_or_else(|| panic!("{}: no exchange {name}", self.scenario));
        exchange.response.clone()
    }
}

/// Keys by the number of their placeholder.
type Keys = HashMap<usize, String>;

fn scenarios() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rest");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .collect();
    files.sort();
    files
}

fn load(path: &Path) -> Scenario {
    let mut text = String::new();
    let mut file = GzDecoder::new(File::open(path).unwrap());
    file.read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn every_recorded_exchange_is_answered_as_recorded_or_departs_as_listed() {
    let departures = departures::all();
    let mut used = vec![false; departures.len()];
    let mut failures = Vec::new();
    let mut count = 0;
    for file in scenarios() {
        let scenario = load(&file);
        count += scenario.exchanges.len();
        replay(&scenario, &departures, &mut used, &mut failures).await;
    }
    for (departure, used) in departures.iter().zip(used) {
        if !used {
            failures.push(format!("never used: {departure:?}"));
        }
    }
    assert_eq!(count, 1328, "exchanges");
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

async fn replay(
    scenario: &Scenario,
    departures: &[Departure],
    used: &mut [bool],
    failures: &mut Vec<String>,
) {
    let archive = set_up(scenario).await;
    let mut keys = Keys::new();
    for exchange in &scenario.exchanges {
        let mut expected = exchange.response.clone();
        for (departure, used) in departures.iter().zip(used.iter_mut()) {
            if !departure.applies(scenario, exchange, &expected) {
                continue;
            }
            *used = true;
            let before = expected.clone();
            departure.apply(scenario, exchange, &mut expected);
            if expected == before {
                failures.push(format!(
                    "{}/{}: departs in nothing: {departure:?}",
                    scenario.scenario, exchange.name
                ));
            }
        }
        let answer = archive.ask(request(&exchange.request, &keys)).await;
        let sent = &exchange.request;
        let path = filled(&sent.path, &keys);
        if let Err(difference) = DESCRIPTION.check(&sent.method, &path, &answer) {
            failures.push(format!("not as described: {difference}"));
        }
        if let Err(difference) = compare(&expected, &answer, &mut keys) {
            failures.push(format!(
                "{}/{}: {difference}",
                scenario.scenario, exchange.name
            ));
        }
    }
}

async fn set_up(scenario: &Scenario) -> Archive {
    let mut config = config();
    if scenario.deployment.starts_with("no script alias") {
        config.script_alias = String::new();
    }
    if !scenario.setup.user_ip_addresses.is_empty() {
        // The original believes X-Forwarded-For from anybody.
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    }
    let archive = Archive::with(config).await;
    for user in &scenario.setup.users {
        let (name, hash) = (&user.username, KeyHash::of(&user.token));
        archive.store.put_user(name, Some(&hash)).await.unwrap();
        archive
            .store
            .set_user_active(name, user.is_active)
            .await
            .unwrap();
    }
    for network in &scenario.setup.user_ip_addresses {
        let network = network.parse().unwrap();
        archive
            .store
            .add_network("perfsonar", network)
            .await
            .unwrap();
    }
    archive
}

fn request(recorded: &Recorded, keys: &Keys) -> Request<Body> {
    let mut uri = filled(&recorded.path, keys);
    if !recorded.query.is_empty() {
        uri = format!("{uri}?{}", filled(&recorded.query, keys));
    }
    let mut request = Request::builder().method(recorded.method.as_str()).uri(uri);
    for (name, value) in &recorded.headers {
        // Header texts were recorded byte by byte.
        let bytes: Vec<u8> = value
            .as_str()
            .unwrap()
            .chars()
            .map(|c| u8::try_from(c).unwrap())
            .collect();
        request = request.header(name, HeaderValue::from_bytes(&bytes).unwrap());
    }
    let mut body = recorded.sent();
    if recorded.body_bytes_hex.is_none() {
        body = filled(std::str::from_utf8(&body).unwrap(), keys).into_bytes();
    }
    request.body(Body::from(body)).unwrap()
}

/// Fills in keys and times. A key that ours never made stands for an unknown
/// one.
fn filled(text: &str, keys: &Keys) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (placeholder, after) = after.split_once("}}").unwrap();
        filled.push_str(before);
        if let Some(number) = placeholder.strip_prefix("metadata_key:") {
            let key = keys.get(&number.parse().unwrap());
            filled.push_str(key.map_or("unknown", String::as_str));
        } else {
            let shift = placeholder.strip_prefix("now").unwrap();
            let shift: i64 = if shift.is_empty() {
                0
            } else {
                shift.parse().unwrap()
            };
            filled.push_str(&(NOW + shift).to_string());
        }
        rest = after;
    }
    filled + rest
}

fn compare(expected: &Expected, answer: &Answer, keys: &mut Keys) -> Result<(), String> {
    let shown = String::from_utf8_lossy(&answer.bytes);
    let shown: String = shown.chars().take(600).collect();
    if answer.status.as_u16() != expected.status {
        return Err(format!(
            "expected {} {}, got {} {shown}",
            expected.status, expected.body, answer.status
        ));
    }
    if expected.body.is_string() && expected.body == "" && answer.bytes.is_empty() {
        // HEAD.
    } else {
        let body =
            serde_json::from_slice(&answer.bytes).map_err(|error| format!("{error} in {shown}"))?;
        same(&expected.body, &body, keys)
            .map_err(|difference| format!("{difference} in {shown}"))?;
    }
    for name in [
        "content-type",
        "link",
        "www-authenticate",
        "allow",
        "location",
    ] {
        let recorded = expected.headers.get(name).unwrap_or(&Value::Null);
        let given = answer.header(name).map_or(Value::Null, Value::from);
        same(recorded, &given, keys)
            .map_err(|difference| format!("header {name}: {difference}"))?;
    }
    let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
    if vary != ["Accept"] {
        return Err(format!("header vary: {vary:?}"));
    }
    Ok(())
}

/// Compares an expected value with the one given: numbers by value and kind,
/// objects in any order. A placeholder is bound to what is given where it is
/// seen first.
fn same(expected: &Value, given: &Value, keys: &mut Keys) -> Result<(), String> {
    let differ = || Err(format!("expected {expected}, got {given}"));
    match (expected, given) {
        (Value::String(text), _) if text == "{{now}}" => {
            if *given == json!(NOW) {
                Ok(())
            } else {
                differ()
            }
        }
        (Value::String(text), Value::String(other)) if text == "{{text}}" => {
            if other.is_empty() {
                differ()
            } else {
                Ok(())
            }
        }
        (Value::String(text), Value::String(other)) => {
            bind(text, other, keys);
            if filled(text, keys) == *other {
                Ok(())
            } else {
                differ()
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let is_float = |text: &str| text.contains(['.', 'e']);
            let (a, b) = (a.to_string(), b.to_string());
            let equal = if is_float(&a) && is_float(&b) {
                // Digits beyond double precision are for our own tests.
                a.parse::<f64>() == b.parse::<f64>()
            } else {
                a == b
            };
            if equal { Ok(()) } else { differ() }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).try_for_each(|(a, b)| same(a, b, keys))
        }
        (Value::Object(a), Value::Array(b)) if a.contains_key("$count") => {
            let first = a["$first"].as_array().unwrap();
            let last = a["$last"].as_array().unwrap();
            if json!(b.len()) != a["$count"] {
                return Err(format!(
                    "expected {} elements, got {}",
                    a["$count"],
                    b.len()
                ));
            }
            let ends = b[..first.len()].iter().chain(&b[b.len() - last.len()..]);
            first
                .iter()
                .chain(last)
                .zip(ends)
                .try_for_each(|(a, b)| same(a, b, keys))
        }
        (Value::Object(a), Value::Object(b)) => {
            let names = |map: &Map<String, Value>| {
                let mut names: Vec<_> = map.keys().cloned().collect();
                names.sort();
                names
            };
            if names(a) != names(b) {
                return Err(format!("expected {:?}, got {:?}", names(a), names(b)));
            }
            a.iter()
                .try_for_each(|(name, value)| same(value, &b[name], keys))
        }
        _ if expected == given => Ok(()),
        _ => differ(),
    }
}

/// Learns a key from the first text that shows it.
fn bind(expected: &str, given: &str, keys: &mut Keys) {
    let Some((before, rest)) = expected.split_once("{{metadata_key:") else {
        return;
    };
    let number: usize = rest.split_once("}}").unwrap().0.parse().unwrap();
    let key = given.get(before.len()..before.len() + 32);
    if let Some(key) = key
        && !keys.contains_key(&number)
        && key.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !keys.values().any(|known| known == key)
    {
        keys.insert(number, key.to_owned());
    }
}

#[test]
fn the_recordings_use_the_key_of_the_tests() {
    for file in scenarios() {
        let scenario = load(&file);
        assert_eq!(scenario.setup.users[0].token, KEY, "{}", scenario.scenario);
    }
}
