//! `docs/extending.md`: its file is read, and its commands give what it says.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request};
use esmond_ps_server::{Config, types};
use serde_json::{Value, json};

use crate::support::{Archive, config, point_to_point};

const PAGE: &str = include_str!("../../../../docs/extending.md");

/// Returns the contents of the page's blocks of a kind.
fn blocks(kind: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if found == kind {
                blocks.push(inside.join("\n"));
            }
        }
    }
    blocks
}

/// The settings of the page.
fn extended() -> Config {
    with_types(&blocks("toml")[0])
}

fn with_types(text: &str) -> Config {
    Config {
        registry: types::parse(text, "types.toml").unwrap_or_else(|error| panic!("{error}")),
        ..config()
    }
}

#[test]
fn the_parts_that_the_page_shows_are_those_of_its_file() {
    let blocks = blocks("toml");
    assert!(blocks.len() > 3);
    for part in &blocks[1..] {
        for section in part.split("\n\n") {
            assert!(blocks[0].contains(section.trim()), "{section}");
        }
    }
}

#[test]
fn the_code_that_the_page_shows_is_that_of_the_kind() {
    let file = include_str!("../../../store/src/kinds/gauge.rs");
    let table = include_str!("../../../store/src/kinds/mod.rs");
    let [kind, line] = blocks("rust").try_into().unwrap();
    let code = file.split_once("\n#[cfg(test)]").unwrap().0;
    assert_eq!(kind.trim(), code.trim());
    assert!(table.contains(&line), "{line}");
}

/// A session in a shell: variables, and the archive that `curl` asks.
struct Shell {
    archive: Archive,
    variables: BTreeMap<String, String>,
    /// Keys of the page, and those that this archive gave instead.
    keys: Vec<(String, String)>,
}

impl Shell {
    /// Runs a command, and returns what it prints.
    async fn run(&self, command: &str) -> String {
        let (curl, jq) = match command.split_once(" | jq ") {
            Some((curl, jq)) => (curl, Some(jq)),
            None => (command, None),
        };
        let words = self.words(curl);
        assert_eq!(words[0], "curl");
        let mut request = Request::builder();
        let (mut body, mut status) = (String::new(), false);
        let mut words = words.into_iter().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap();
            match word.as_str() {
                "-s" => {}
                "-w" => status = value() == " %{http_code}",
                "-X" => request = request.method(value().as_str()),
                "-d" => body = value(),
                "-H" => {
                    let header = value();
                    let (name, value) = header.split_once(": ").unwrap();
                    request = request.header(name, value);
                }
                url => {
                    let address = url.strip_prefix("http://").unwrap();
                    let (host, path) = address.split_once('/').unwrap();
                    request = request.uri(format!("/{path}")).header("host", host);
                }
            }
        }
        let answer = self
            .archive
            .ask(request.body(Body::from(body)).unwrap())
            .await;
        let code = answer.status.as_u16();
        match jq {
            None if status => format!("{} {code}", answer.json()),
            None | Some(".") => answer.json().to_string(),
            Some("-c '.[][\"metadata-key\"]'") => {
                let list = answer.json();
                let keys = list.as_array().unwrap().iter();
                keys.map(|record| format!("{}\n", record["metadata-key"]))
                    .collect()
            }
            Some(other) => panic!("unknown filter {other}"),
        }
    }

    /// Splits a command into words as a shell does, as far as the page needs.
    fn words(&self, command: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let (mut single, mut double) = (false, false);
        let mut rest = command.chars().peekable();
        while let Some(c) = rest.next() {
            let last = words.len() - 1;
            match c {
                '\'' if !double => single = !single,
                '"' if !single => double = !double,
                '$' if !single => {
                    let mut name = String::new();
                    while let Some(letter) = rest.next_if(char::is_ascii_uppercase) {
                        name.push(letter);
                    }
                    words[last].push_str(&self.variables[&name]);
                }
                c if c.is_whitespace() && !single && !double => words.push(String::new()),
                c => words[last].push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// What the page expects, with the keys that this archive gave.
    fn expected(&self, text: &str) -> String {
        self.keys
            .iter()
            .fold(text.to_owned(), |text, (page, ours)| {
                text.replace(page, ours)
            })
    }
}

/// Returns commands, each with what it prints.
fn commands(block: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut quoted = false;
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), String::new())),
            None => {
                let (command, output) = commands.last_mut().unwrap();
                let part = if quoted { command } else { output };
                part.push('\n');
                part.push_str(line);
            }
        }
        let command = &commands.last().unwrap().0;
        quoted = command.matches('\'').count() % 2 == 1;
    }
    commands
}

/// JSON is equal when its values are.
fn same(one: &str, other: &str) -> bool {
    match (
        serde_json::from_str::<Value>(one),
        serde_json::from_str::<Value>(other),
    ) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.trim() == other.trim(),
    }
}

#[tokio::test]
async fn the_commands_of_the_page_give_what_it_says() {
    let setting = |name: &str| {
        let start = format!("    {name}=");
        let line = PAGE.lines().find_map(|line| line.strip_prefix(&start));
        (name.to_owned(), line.unwrap().trim_matches('\'').to_owned())
    };
    let mut shell = Shell {
        archive: Archive::with(extended()).await,
        variables: ["URL", "AUTH", "JSON"].map(setting).into(),
        keys: Vec::new(),
    };
    let mut count = 0;
    for block in blocks("console") {
        for (command, output) in commands(&block) {
            if let Some((name, key)) = command.split_once('=')
                && name.chars().all(|c| c.is_ascii_uppercase())
            {
                let key = shell.expected(key);
                shell.variables.insert(name.to_owned(), key);
                continue;
            }
            let printed = shell.run(&command).await;
            let key = |text: &str| {
                let record: Value = serde_json::from_str(text).ok()?;
                Some(record.get("metadata-key")?.as_str()?.to_owned())
            };
            if let (Some(page), Some(ours)) = (key(&output), key(&printed)) {
                shell.keys.push((page, ours));
            }
            let expected = shell.expected(&output);
            assert!(
                same(&printed, &expected),
                "{command}\n{printed}\n{expected}"
            );
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}

const CAR: &str = r#"
[event-types.speed]
data-type = "float"
[event-types.notes]
data-type = "note"
[data-types.note]
validator = "text"
[subject-types.car]
fields = [
    { name = "car-vin", type = "text" },
    { name = "car-radio", type = "ip", filter = "car-ip" },
]
[subject-types.garage]
fields = [
    { name = "source", type = "ip" },
    { name = "garage-door", type = "ip", resolves = false },
]
[subject-types.journey]
fields = [
    { name = "journey-from", type = "ip", filter = "source" },
    { name = "journey-over", type = "ip", filter = "source" },
]
"#;

fn car(vin: &str) -> Value {
    json!({
        "subject-type": "car", "car-vin": vin, "car-radio": "2001:DB8:0::1",
        "event-types": [
            {"event-type": "notes"},
            {"event-type": "speed", "summaries": [{"summary-type": "average", "summary-window": 60}]},
        ],
    })
}

async fn posted(archive: &Archive, record: &Value) -> Value {
    let answer = archive.write(Method::POST, "", record).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    answer.json()
}

/// Returns how many records a search finds, or the status of its error.
async fn found(archive: &Archive, query: &str) -> Result<usize, u16> {
    let answer = archive.get(query).await;
    match answer.status.as_u16() {
        200 => Ok(answer.json().as_array().unwrap().len()),
        status => Err(status),
    }
}

#[tokio::test]
async fn subjects_of_a_new_type_are_checked_and_identified_as_others() {
    let archive = Archive::with(with_types(CAR)).await;
    let first = posted(&archive, &car("x1")).await;
    assert_eq!(first["car-radio"], "2001:db8::1");
    let mut again = car("X1");
    again["car-radio"] = json!("2001:db8::0:1");
    assert_eq!(
        posted(&archive, &again).await["metadata-key"],
        first["metadata-key"]
    );
    let other = posted(&archive, &car("x2")).await;
    assert_ne!(other["metadata-key"], first["metadata-key"]);

    for (name, value, expected) in [
        (
            "car-radio",
            json!("radio"),
            "car-radio must be an IP address",
        ),
        ("car-vin", json!(null), "Missing car-vin field in request"),
        (
            "car-vin",
            json!("x".repeat(129)),
            "car-vin must not have more than 128",
        ),
        (
            "source",
            json!("10.1.1.1"),
            "source is not a field of subject type car",
        ),
        // It would be hidden by the filter of that name.
        (
            "car-ip",
            json!("10.1.1.1"),
            "car-ip is not a field of subject type car",
        ),
        (
            "car_vin",
            json!("x"),
            "car_vin is not allowed to be specified",
        ),
    ] {
        let mut record = car("x3");
        record[name] = value;
        let answer = archive.write(Method::POST, "", &record).await;
        assert_eq!(answer.status, 400, "{name}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(expected), "{detail}");
    }
    assert_eq!(found(&archive, "").await, Ok(2));
}

#[tokio::test]
async fn fields_are_found_by_their_filters() {
    let archive = Archive::with(with_types(CAR)).await;
    posted(&archive, &car("x1")).await;
    let mut local = car("x2");
    local["car-radio"] = json!("127.0.0.1");
    posted(&archive, &local).await;
    let garage = json!({
        "subject-type": "garage", "source": "10.1.1.1", "garage-door": "127.0.0.1", "event-types": [],
    });
    posted(&archive, &garage).await;
    posted(&archive, &point_to_point()).await;
    let journey = json!({
        "subject-type": "journey", "journey-from": "10.1.1.7", "journey-over": "10.1.1.8",
        "event-types": [],
    });
    posted(&archive, &journey).await;

    for (query, expected) in [
        ("?car-vin=x1", Ok(1)),
        ("?car-vin=X1", Ok(0)),
        ("?car-vin=localhost", Ok(0)),
        ("?car-ip=2001:DB8::1", Ok(1)),
        ("?car-ip=localhost", Ok(1)),
        ("?car-ip=localhost&dns-match-rule=only-v6", Err(400)),
        ("?car-ip=nowhere", Err(400)),
        ("?car-ip=localhost&car-vin=x1", Ok(0)),
        // A field with another filter is no filter itself.
        ("?car-radio=127.0.0.1", Err(400)),
        // A field of several subject types is found in all of them.
        ("?source=10.1.1.1", Ok(2)),
        ("?source=10.1.1.1&subject-type=garage", Ok(1)),
        // Fields of other names that share the filter are, too.
        ("?source=10.1.1.7", Ok(1)),
        ("?source=10.1.1.8", Ok(1)),
        ("?source=10.1.1.8&limit=1", Ok(1)),
        ("?journey-from=10.1.1.7", Err(400)),
        ("?garage-door=::ffff:127.0.0.1", Ok(1)),
        ("?garage-door=localhost", Ok(0)),
        ("?garage-door=localhost&dns-match-rule=nonsense", Ok(0)),
        ("?subject-type=car", Ok(2)),
        (
            "?event-type=speed&summary-type=average&summary-window=60",
            Ok(2),
        ),
    ] {
        assert_eq!(found(&archive, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn clients_are_told_the_type_of_event_types_that_they_cannot_know() {
    // DIFFERENCE: the original adds event types in its program.
    let archive = Archive::with(with_types(CAR)).await;
    let mut record = car("x1");
    let both = json!([{"event-type": "notes"}, {"event-type": "throughput"}]);
    record["event-types"] = both;
    let shown = posted(&archive, &record).await;
    let [notes, throughput] = shown["event-types"].as_array().unwrap().as_slice() else {
        panic!("{shown}");
    };
    assert_eq!(
        (&notes["data-type"], &notes["client-layout"]),
        (&json!("json"), &json!("value"))
    );
    assert_eq!(throughput.get("data-type"), None);
    assert_eq!(throughput.get("client-layout"), None);
    let key = shown["metadata-key"].as_str().unwrap();
    let entry = archive.get(&format!("{key}/notes")).await.json();
    assert_eq!(&entry[0], notes);
    // One that the record does not list is added by the first value.
    let path = format!("{key}/speed/base");
    let answer = archive
        .write(Method::POST, &path, &json!({"ts": 5, "val": "49.5"}))
        .await;
    assert_eq!(answer.status, 201);
    let entry = archive.get(&format!("{key}/speed")).await.json();
    assert_eq!(entry[0]["data-type"], "float");
}

#[tokio::test]
async fn what_is_configured_no_more_stays_readable_but_takes_nothing_new() {
    let archive = Archive::with(with_types(CAR)).await;
    let record = posted(&archive, &car("x1")).await;
    let key = record["metadata-key"].as_str().unwrap();
    let data = json!({"data": [
        {"ts": 60, "val": [{"event-type": "speed", "val": 40}, {"event-type": "notes", "val": "hm"}]},
        {"ts": 90, "val": [{"event-type": "speed", "val": 50}]},
    ]});
    assert_eq!(archive.write(Method::PUT, key, &data).await.status, 201);

    let archive = archive.again(config());
    let mut shown = archive.get(key).await.json();
    assert_eq!(shown["car-vin"], "x1");
    assert_eq!(shown["event-types"][1].get("data-type"), None);
    shown = archive.get("").await.json();
    assert_eq!(shown[0]["metadata-key"], key);
    for (path, expected) in [
        (
            "speed/base",
            json!([{"ts": 60, "val": 40.0}, {"ts": 90, "val": 50.0}]),
        ),
        ("speed/averages/60", json!([{"ts": 60, "val": 45.0}])),
        ("notes/base", json!([{"ts": 60, "val": "hm"}])),
    ] {
        assert_eq!(archive.get(&format!("{key}/{path}")).await.json(), expected);
    }
    assert_eq!(
        archive.get(&format!("{key}/speed/averages")).await.status,
        200
    );
    assert_eq!(archive.get(&format!("{key}/other/base")).await.status, 400);
    assert_eq!(found(&archive, "?event-type=speed").await, Ok(1));
    assert_eq!(found(&archive, "?subject-type=car").await, Ok(1));
    assert_eq!(found(&archive, "?car-vin=x1").await, Ok(0));
    assert_eq!(archive.write(Method::PUT, key, &data).await.status, 400);
    assert_eq!(
        archive.write(Method::POST, "", &car("x1")).await.status,
        400
    );

    // Back again, nothing was lost.
    let archive = archive.again(with_types(CAR));
    let same = posted(&archive, &car("x1")).await;
    assert_eq!(same["metadata-key"], key);
}

#[tokio::test]
async fn values_of_a_changed_type_neither_spoil_summaries_nor_vanish() {
    // DIFFERENCE: in the original a type does not change.
    let archive = Archive::with(with_types(CAR)).await;
    let record = posted(&archive, &car("x1")).await;
    let path = format!("{}/speed", record["metadata-key"].as_str().unwrap());
    let base = format!("{path}/base");
    let at = |ts: i64| json!({"ts": ts, "val": 40});
    assert_eq!(
        archive.write(Method::POST, &base, &at(60)).await.status,
        201
    );

    let changed = CAR.replace("data-type = \"float\"", "data-type = \"integer\"");
    let archive = archive.again(with_types(&changed));
    let refused = archive.write(Method::POST, &base, &at(61)).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json()["detail"],
        "Value of event type speed at time 61 is of another data type than those that are stored. \
         Nothing of this request is stored."
    );
    // A window that has no values of the old kind has room for the new one.
    assert_eq!(
        archive.write(Method::POST, &base, &at(120)).await.status,
        201
    );
    let expected = json!([{"ts": 60, "val": 40.0}, {"ts": 120, "val": 40.0}]);
    assert_eq!(archive.get(&base).await.json(), expected);
    assert_eq!(
        archive.get(&format!("{path}/averages/60")).await.json(),
        expected
    );
}
