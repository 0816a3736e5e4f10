//! Configuration files: what holds over what, what is wrong with a file, and that no
//! key gets to an archive that it was not given for.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};

use esmond_ps_tests::{Run, command};
use serde_json::Value;
use tempfile::TempDir;

const PROGRAMS: [&str; 7] = [
    "esmond-ps-get-endpoints",
    "esmond-ps-get-metadata",
    "esmond-ps-get",
    "esmond-ps-get-bulk",
    "esmond-ps-check",
    "esmond-ps-load-gridftp",
    "esmond-ps-pipe",
];

const FILE: &str = r#"default-archive = "central"

[defaults]
timeout = 60
retries = 7
jobs = 8

[archives.central]
url = "https://central.example.org"
user = "reader"
key-file = "central.key"
timeout = 30

[archives.lab]
url = "https://lab.example.org:8443"
script-alias = "/"
insecure = true
"#;

/// A directory of the user's configuration.
struct Home {
    directory: TempDir,
}

impl Home {
    fn with(text: &str) -> Self {
        let home = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        let directory = home.directory.path().join("esmond-ps");
        fs::create_dir(&directory).expect("a directory");
        fs::write(home.file(), text).expect("a file");
        fs::set_permissions(home.file(), fs::Permissions::from_mode(0o644)).expect("a mode");
        fs::write(directory.join("central.key"), "F1LEKEY\n").expect("a file");
        home
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("esmond-ps/config.toml")
    }

    fn command(&self, program: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = command(program);
        command
            .env_remove("ESMOND_PS_CONFIG")
            .env("XDG_CONFIG_HOME", self.directory.path())
            .env("HOME", self.directory.path())
            .envs(variables.iter().copied())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let output = self.command(program, variables, arguments).output();
        let output = output.expect("the program starts");
        let run = Run {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        for secret in ["S3CRET", "F1LEKEY"] {
            let seen = run.stdout.contains(secret) || run.stderr.contains(secret);
            assert!(!seen, "{program} {arguments:?}: {run:?}");
        }
        run
    }

    /// What `--show-config` says of a setting: its value, and where it comes from.
    fn shown(&self, run: &Run, name: &str) -> (String, String) {
        let line = run.stdout.lines().find(|line| {
            let first = line.split_whitespace().next();
            first == Some(name)
        });
        let line = line.unwrap_or_else(|| panic!("no {name} in {run:?}"));
        let parts: Vec<&str> = line
            .split("  ")
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        let [_, value, place] = parts[..] else {
            panic!("{line}");
        };
        let place = place.replace(&self.file().display().to_string(), "FILE");
        (value.to_owned(), place)
    }
}

/// What is set, what is typed, and what then holds: name, value, where from.
type Case<'a> = (
    &'a [(&'a str, &'a str)],
    &'a [&'a str],
    &'a [(&'a str, &'a str, &'a str)],
);

const NOT_SET: &str = "not set";
const HIDDEN: &str = "set (hidden)";

#[test]
fn what_is_asked_for_holds_over_variables_and_these_over_files() {
    // DIFFERENCE: the originals have neither.
    let home = Home::with(FILE);
    let key_file = home.file().with_file_name("central.key");
    let key_file = key_file.display().to_string();
    let env_key: &[_] = &[("ESMOND_USER", "env"), ("ESMOND_KEY", "S3CRET")];
    let cases: &[Case<'_>] = &[
        // The file alone.
        (
            &[],
            &[],
            &[
                ("archive", "central", "default-archive, FILE:1"),
                (
                    "url",
                    "https://central.example.org",
                    "archive central, FILE:9",
                ),
                ("user", "reader", "archive central, FILE:10"),
                ("key", "-", NOT_SET),
                ("key-file", &key_file, "archive central, FILE:11"),
                ("timeout", "30", "archive central, FILE:12"),
                ("retries", "7", "[defaults], FILE:5"),
                ("script-alias", "esmond", "default"),
                ("insecure", "false", "default"),
            ],
        ),
        // Variables before the file; no empty ones.
        (
            &[
                ("ESMOND_URL", "https://env.example.org"),
                ("ESMOND_USER", ""),
            ],
            &[],
            &[
                ("archive", "-", NOT_SET),
                ("url", "https://env.example.org", "variable ESMOND_URL"),
                ("user", "-", NOT_SET),
                ("key-file", "-", NOT_SET),
                ("timeout", "60", "[defaults], FILE:4"),
            ],
        ),
        (
            env_key,
            &[],
            &[
                (
                    "url",
                    "https://central.example.org",
                    "archive central, FILE:9",
                ),
                ("user", "env", "variable ESMOND_USER"),
                ("key", HIDDEN, "variable ESMOND_KEY"),
                ("key-file", "-", NOT_SET),
            ],
        ),
        (
            &[
                ("ESMOND_PS_ARCHIVE", "lab"),
                ("ESMOND_USER", "env"),
                ("ESMOND_KEY", "S3CRET"),
            ],
            &[],
            &[
                ("archive", "lab", "variable ESMOND_PS_ARCHIVE"),
                (
                    "url",
                    "https://lab.example.org:8443",
                    "archive lab, FILE:15",
                ),
                ("key", HIDDEN, "variable ESMOND_KEY"),
                ("script-alias", "/", "archive lab, FILE:16"),
                ("insecure", "true", "archive lab, FILE:17"),
            ],
        ),
        (
            &[("ESMOND_URL", "@lab")],
            &[],
            &[
                ("archive", "lab", "variable ESMOND_URL"),
                (
                    "url",
                    "https://lab.example.org:8443",
                    "archive lab, FILE:15",
                ),
            ],
        ),
        // An archive that is asked for before variables, and none of their keys.
        (
            &[
                ("ESMOND_URL", "https://env.example.org"),
                ("ESMOND_PS_ARCHIVE", "central"),
                ("ESMOND_USER", "env"),
                ("ESMOND_KEY", "S3CRET"),
            ],
            &["--archive", "lab"],
            &[
                ("archive", "lab", "--archive"),
                (
                    "url",
                    "https://lab.example.org:8443",
                    "archive lab, FILE:15",
                ),
                ("user", "-", NOT_SET),
                ("key", "-", NOT_SET),
                ("timeout", "60", "[defaults], FILE:4"),
            ],
        ),
        (
            env_key,
            &["--url", "@central", "--timeout", "1"],
            &[
                ("archive", "central", "--url"),
                ("user", "reader", "archive central, FILE:10"),
                ("key", "-", NOT_SET),
                ("key-file", &key_file, "archive central, FILE:11"),
                ("timeout", "1", "--timeout"),
            ],
        ),
        (
            &[],
            &["--archive", "central", "--user", "other"],
            &[
                ("user", "other", "--user"),
                ("key-file", &key_file, "archive central, FILE:11"),
            ],
        ),
        // An address that is asked for: no key of a file, and those of the
        // environment unless they are for another archive.
        (
            env_key,
            &["--url", "https://other.example.org"],
            &[
                ("archive", "-", NOT_SET),
                ("url", "https://other.example.org", "--url"),
                ("user", "env", "variable ESMOND_USER"),
                ("key", HIDDEN, "variable ESMOND_KEY"),
                ("key-file", "-", NOT_SET),
            ],
        ),
        (
            &[
                ("ESMOND_URL", "https://env.example.org"),
                ("ESMOND_USER", "env"),
                ("ESMOND_KEY", "S3CRET"),
            ],
            &["--url", "https://other.example.org"],
            &[("user", "-", NOT_SET), ("key", "-", NOT_SET)],
        ),
        (
            &[
                ("ESMOND_URL", "https://env.example.org"),
                ("ESMOND_KEY_FILE", "k"),
            ],
            &["--url", "https://env.example.org:443/esmond/"],
            &[("key-file", "k", "variable ESMOND_KEY_FILE")],
        ),
        (
            &[
                ("ESMOND_URL", "https://env.example.org"),
                ("ESMOND_KEY_FILE", "k"),
            ],
            &["--url", "http://env.example.org"],
            &[("key-file", "-", NOT_SET)],
        ),
        (
            &[
                ("ESMOND_PS_ARCHIVE", "central"),
                ("ESMOND_USER", "env"),
                ("ESMOND_KEY", "S3CRET"),
            ],
            &["--url", "https://other.example.org"],
            &[("key", "-", NOT_SET)],
        ),
        // Both are the key: the nearer one counts.
        (
            env_key,
            &["--url", "https://other.example.org", "--key-file", "mine"],
            &[("key", "-", NOT_SET), ("key-file", "mine", "--key-file")],
        ),
        (
            &[],
            &["--key", "S3CRET"],
            &[("key", HIDDEN, "--key"), ("key-file", "-", NOT_SET)],
        ),
        // A password in an address is one.
        (
            &[],
            &["--url", "https://u:S3CRET@other.example.org"],
            &[("url", "https://...@other.example.org", "--url")],
        ),
    ];
    for (number, (variables, arguments, expected)) in cases.iter().enumerate() {
        // Each program has some of the cases, and the first one has all.
        let programs = [PROGRAMS[0], PROGRAMS[1 + number % (PROGRAMS.len() - 1)]];
        for program in programs {
            let mut arguments = arguments.to_vec();
            arguments.push("--show-config");
            let run = home.run(program, variables, &arguments);
            assert_eq!(run.status, Some(0), "{program} {arguments:?}: {run:?}");
            for (name, value, place) in *expected {
                let found = home.shown(&run, name);
                let found = (&*found.0, &*found.1);
                assert_eq!(found, (*value, *place), "{program} {arguments:?}: {name}");
            }
        }
    }
}

#[test]
fn every_program_shows_what_holds_and_nothing_else() {
    // DIFFERENCE: a named archive takes the place of the documented defaults.
    let home = Home::with(FILE);
    for program in PROGRAMS {
        let run = home.run(program, &[("ESMOND_KEY", "S3CRET")], &["--show-config"]);
        assert_eq!((run.status, &*run.stderr), (Some(0), ""), "{run:?}");
        let first = format!("configuration file: {}", home.file().display());
        assert_eq!(run.stdout.lines().next(), Some(&*first));
        assert_eq!(home.shown(&run, "key").0, HIDDEN, "{program}");
        let has_jobs = run.stdout.contains("\njobs ");
        let reads_many = ["esmond-ps-get-bulk", "esmond-ps-check"].contains(&program);
        assert_eq!(has_jobs, reads_many, "{run:?}");
    }
    let bulk = home.run("esmond-ps-get-bulk", &[], &["--show-config"]);
    assert_eq!(home.shown(&bulk, "jobs").0, "8");
    let json = home.run(PROGRAMS[0], &[], &["--show-config", "-o", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["settings"]["timeout"]["value"], 30);
    assert_eq!(json["settings"]["insecure"]["value"], false);
    assert_eq!(json["settings"]["key"]["value"], Value::Null);
    assert_eq!(json["files"][0]["read"], true);
}

#[test]
fn a_password_in_an_address_is_in_no_help_and_no_complaint() {
    let home = Home::with("");
    let variables = [
        ("ESMOND_URL", "https://u:S3CRET@h.example.org"),
        ("ESMOND_KEY", "S3CRET"),
    ];
    for program in PROGRAMS {
        for arguments in [
            &["--help"][..],
            &["--bogus"],
            &["--timeout", "x"],
            &["--url", ""],
            &[],
        ] {
            // What is seen is looked at for secrets.
            home.run(program, &variables, arguments);
        }
    }
}

#[test]
fn without_a_file_everything_is_as_before() {
    let home = Home::with("");
    fs::remove_file(home.file()).expect("it was there");
    let run = home.run("esmond-ps-pipe", &[], &["--show-config"]);
    assert_eq!(
        home.shown(&run, "url"),
        ("http://localhost:8080".to_owned(), "default".to_owned())
    );
    assert_eq!(home.shown(&run, "script-alias").0, "/");
    let run = home.run("esmond-ps-get-endpoints", &[], &[]);
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.starts_with("--url is a required arg"), "{run:?}");
}

#[test]
fn a_file_that_is_named_is_read_alone() {
    let home = Home::with(FILE);
    let other = home.directory.path().join("other.toml");
    fs::write(&other, "[archives.x]\nurl = 'https://x.example.org'\n").expect("a file");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).expect("a mode");
    let other = other.to_str().expect("a UTF-8 path");
    for (variables, arguments) in [
        (vec![], vec!["--config", other, "--archive", "x"]),
        (vec![("ESMOND_PS_CONFIG", other)], vec!["--archive", "x"]),
        (
            vec![("ESMOND_PS_CONFIG", "/no/such/file")],
            vec!["--config", other, "--archive", "x"],
        ),
    ] {
        let mut arguments = arguments.clone();
        arguments.push("--show-config");
        let run = home.run(PROGRAMS[0], &variables, &arguments);
        assert_eq!(home.shown(&run, "url").0, "https://x.example.org");
        assert_eq!(home.shown(&run, "timeout").1, "default");
    }
    let run = home.run(PROGRAMS[0], &[], &["--config", other, "--archive", "lab"]);
    assert_eq!(run.status, Some(2));
    assert_eq!(run.stderr, "no archive is named \"lab\" (known are x)\n");
    let run = home.run(PROGRAMS[0], &[], &["--config", "/no/such/file"]);
    assert_eq!(run.status, Some(2));
    let expected = "cannot read the configuration file /no/such/file: ";
    assert!(run.stderr.starts_with(expected), "{run:?}");
}

#[test]
fn a_mistake_ends_a_run_as_a_usage_error_that_says_where_it_is() {
    let file = "FILE";
    for (text, arguments, expected) in [
        (
            FILE.replace("retries", "retrys"),
            vec![],
            format!("{file}:5: unknown key \"retrys\"; did you mean \"retries\"?\n"),
        ),
        (
            FILE.replace("key-file = \"central.key\"", "key = \"S3CRET\""),
            vec![],
            format!("{file}:11: no key stands in this file"),
        ),
        (
            FILE.replace("https://central", "https://u:S3CRET@central"),
            vec![],
            format!("{file}:9: url should be an address without a user and a password"),
        ),
        (
            FILE.replace("= \"central\"", "= \"centrall\""),
            vec![],
            format!("{file}:1: no archive is named \"centrall\"; did you mean \"central\"?"),
        ),
        (
            format!("{FILE}[archives.lab"),
            vec![],
            format!("{file}:18: "),
        ),
        (
            FILE.to_owned(),
            vec!["--archive", "lap"],
            "no archive is named \"lap\"; did you mean \"lab\"? (known are central, lab)\n"
                .to_owned(),
        ),
        (
            FILE.to_owned(),
            vec!["--archive", "lab", "--url", "https://h"],
            "--url and --archive both name an archive: give one of them\n".to_owned(),
        ),
    ] {
        let home = Home::with(&text);
        for program in PROGRAMS {
            let run = home.run(program, &[], &arguments);
            // DIFFERENCE: to Nagios a usage error is UNKNOWN.
            let usage = if program == "esmond-ps-check" { 3 } else { 2 };
            assert_eq!(run.status, Some(usage), "{program}: {run:?}");
            let path = home.file().display().to_string();
            let stderr = run.stderr.replace(&path, "FILE");
            assert!(stderr.starts_with(&expected), "{program}: {stderr}");
        }
    }
}

#[test]
fn a_file_that_others_can_change_is_refused() {
    let home = Home::with(FILE);
    for mode in [0o666, 0o664] {
        fs::set_permissions(home.file(), fs::Permissions::from_mode(mode)).expect("a mode");
        let run = home.run(PROGRAMS[0], &[], &["--show-config"]);
        assert_eq!(run.status, Some(2));
        assert!(run.stderr.contains("can be written by others"), "{run:?}");
        assert!(run.stderr.contains("hint: chmod go-w "), "{run:?}");
    }
}

/// Answers one request, and returns its `Authorization`.
fn archive() -> (String, JoinHandle<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let seen = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
        let head: Vec<String> = lines
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
            Content-Length: 2\r\nConnection: close\r\n\r\n[]";
        stream.write_all(answer.as_bytes()).ok();
        head.iter().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            (name.eq_ignore_ascii_case("authorization")).then(|| value.to_owned())
        })
    });
    (url, seen)
}

#[test]
fn a_key_goes_to_its_archive_alone() {
    // DIFFERENCE: the originals know one archive a run.
    let from_file = Some("Token F1LEKEY");
    let from_variable = Some("Token S3CRET");
    let variables = [("ESMOND_USER", "env"), ("ESMOND_KEY", "S3CRET")];
    for (arguments, with_variables, expected) in [
        (vec!["--archive", "central"], false, from_file),
        (vec!["--archive", "central"], true, from_file),
        (vec![], false, from_file),
        (vec![], true, from_variable),
        (vec!["--archive", "lab"], false, None),
        (vec!["--archive", "lab"], true, None),
        (vec!["--url", "URL"], false, None),
        (vec!["--url", "URL"], true, from_variable),
    ] {
        let (url, seen) = archive();
        let text = FILE
            .replace("https://central.example.org", &url)
            .replace("https://lab.example.org:8443", &url);
        let home = Home::with(&text);
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|word| if *word == "URL" { &*url } else { word })
            .collect();
        let variables = if with_variables { &variables[..] } else { &[] };
        let run = home.run(PROGRAMS[0], variables, &arguments);
        assert_eq!(run.status, Some(0), "{arguments:?}: {run:?}");
        let authorization = seen.join().expect("one request");
        assert_eq!(authorization.as_deref(), expected, "{arguments:?}");
    }
}

/// A mirror asks an archive that no variable names.
#[test]
fn a_mirror_takes_its_key_from_the_command_line_alone() {
    let home = Home::with(FILE);
    let data = home.directory.path().join("data");
    let data = data.to_str().expect("a UTF-8 path");
    let key_file = home.file().with_file_name("central.key");
    let key_file = key_file.to_str().expect("a UTF-8 path");
    let variables = [("ESMOND_USER", "env"), ("ESMOND_KEY", "S3CRET")];
    let typed = ["--user", "reader", "--key-file", key_file];
    for (more, expected) in [(&[][..], None), (&typed[..], Some("Token F1LEKEY"))] {
        let (url, seen) = archive();
        let arguments = [&["mirror", "--data", data, "--from", &url][..], more].concat();
        let run = home.run("esmond-ps-archive", &variables, &arguments);
        assert_eq!(run.status, Some(0), "{run:?}");
        let authorization = seen.join().expect("one request");
        assert_eq!(authorization.as_deref(), expected, "{more:?}");
    }
}
