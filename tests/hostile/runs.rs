//! The programs, each with an archive that a test makes up.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use esmond_ps_tests::{Run, binary, command};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Programs that only read.
pub(crate) const READERS: [&str; 4] = [
    "esmond-ps-get-endpoints",
    "esmond-ps-get-metadata",
    "esmond-ps-get",
    "esmond-ps-get-bulk",
];

/// Those of them that ask for data.
pub(crate) const DATA_READERS: [&str; 2] = ["esmond-ps-get", "esmond-ps-get-bulk"];

pub(crate) const LOADER: &str = "esmond-ps-load-gridftp";
pub(crate) const PIPE: &str = "esmond-ps-pipe";

/// Reads data, too, and tells monitoring systems on stdout what it comes to.
pub(crate) const CHECK: &str = "esmond-ps-check";

/// All that ask for a list of tests.
pub(crate) const LISTERS: [&str; 5] = [READERS[0], READERS[1], READERS[2], READERS[3], CHECK];

/// All that ask for data.
pub(crate) const ASKERS: [&str; 3] = [DATA_READERS[0], DATA_READERS[1], CHECK];

/// All of them.
pub(crate) const PROGRAMS: [&str; 7] = [
    READERS[0], READERS[1], READERS[2], READERS[3], CHECK, LOADER, PIPE,
];

/// Path of the list of tests.
pub(crate) const ROOT: &str = "/esmond/perfsonar/archive/";

/// In no output of a program.
pub(crate) const KEY: &str = "s3cret-of-the-user";

/// A transfer, as the logs of GridFTP servers have it.
const TRANSFER: &str = "DATE=20170714024001.000000 HOST=198.51.100.10 PROG=globus-gridftp-server \
NL.EVNT=FTP_INFO START=20170714024000.000000 USER=dave FILE=/data/1 BUFFER=131072 BLOCK=262144 \
NBYTES=1000000 VOLUME=/ STREAMS=1 STRIPES=1 DEST=[203.0.113.81] TYPE=RETR CODE=226\n";

/// Most memory of a program, in KiB of its address space: a program needs about
/// 100 MiB of it to exist, and an answer of the largest size several times that.
const MEMORY: u64 = 600_000;

/// How long a program may take when nothing else is known. Far more than any
/// needs: that it ends at all is what counts.
const PATIENCE: Duration = Duration::from_secs(150);

/// A run of a program in a directory of its own.
#[derive(Debug)]
pub(crate) struct Attacked {
    pub(crate) program: &'static str,
    pub(crate) url: String,
    pub(crate) run: Run,
    /// Holds `out` (files of bulk reads), `g.log`, `state`, `failed`.
    pub(crate) directory: TempDir,
}

/// Lets a program work with an archive, without retries.
pub(crate) fn attack(program: &'static str, url: &str, more: &[&str]) -> Attacked {
    attack_with(program, url, more, |_| ())
}

/// As [`attack`], with changes to the command.
pub(crate) fn attack_with(
    program: &'static str,
    url: &str,
    more: &[&str],
    change: impl FnOnce(&mut Command),
) -> Attacked {
    let directory = tempfile::tempdir().expect("a directory");
    let run = run_in(directory.path(), program, url, more, change);
    Attacked {
        program,
        url: url.to_owned(),
        run,
        directory,
    }
}

/// Lets a program work in this directory.
pub(crate) fn run_in(
    directory: &Path,
    program: &'static str,
    url: &str,
    more: &[&str],
    change: impl FnOnce(&mut Command),
) -> Run {
    fs::create_dir_all(directory.join("out")).expect("a directory");
    fs::write(directory.join("g.log"), TRANSFER).expect("a log");
    let own = binary(program);
    let settings = command(program);
    let mut command = Command::new("sh");
    for (name, value) in settings.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        // Or every thread would reserve memory that it never uses.
        .env("MALLOC_ARENA_MAX", "1")
        .env("ESMOND_KEY", KEY)
        // Words of a command to run it within.
        .env_remove("WITHIN")
        .current_dir(directory)
        .arg("-c")
        .arg(format!("ulimit -v {MEMORY} && exec $WITHIN \"$@\""))
        .arg("sh")
        .arg(own)
        .args(arguments(program, url))
        .args(more)
        // Of several a check would ask which one is meant.
        .args(if program == CHECK && !more.contains(&"-e") {
            &["-e", "throughput"][..]
        } else {
            &[]
        })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    change(&mut command);
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    if program == PIPE {
        stdin
            .write_all(include_bytes!("iperf3.json"))
            .expect("the program reads");
    }
    drop(stdin);
    let process = child.id().to_string();
    let (ended, end) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        let result = end.recv_timeout(PATIENCE);
        let is_late = result == Err(mpsc::RecvTimeoutError::Timeout);
        if is_late {
            Command::new("kill").args(["-KILL", &process]).status().ok();
        }
        is_late
    });
    let output = child.wait_with_output().expect("the program ends");
    drop(ended);
    let is_late = watch.join().expect("a thread");
    assert!(!is_late, "{program} has no end");
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

fn arguments(program: &str, url: &str) -> Vec<String> {
    let words = match program {
        LOADER => "-f g.log -p state -P -s /esmond -u tester --timeout 8 --retries 0 -U",
        PIPE => {
            "-s /esmond -u tester --tool iperf3 --save-failed failed --timeout 8 --retries 0 -U"
        }
        CHECK => {
            "-I -S 2014-05-01 -s 10.0.0.1 -d 10.0.0.2 --user tester --timeout 8 --retries 0 -u"
        }
        "esmond-ps-get" => {
            "-I -S 2014-05-01 -s 10.0.0.1 -d 10.0.0.2 -e throughput --user tester --timeout 8 --retries 0 -u"
        }
        "esmond-ps-get-bulk" => {
            "-I -S 2014-05-01 -D out -o jsonl --user tester --timeout 8 --retries 0 -u"
        }
        _ => "-I -S 2014-05-01 --user tester --timeout 8 --retries 0 -u",
    };
    let words = words.split(' ').chain([url]);
    words.map(str::to_owned).collect()
}

impl Attacked {
    /// Checks that the run failed as it should: this status, one line that names
    /// archive, request and these words, nothing that acts on a terminal, no key,
    /// nothing half written.
    pub(crate) fn assert_clear(&self, status: i32, words: &[&str]) {
        let Self { program, url, .. } = self;
        let told: String = self.told().chars().take(5_000).collect();
        self.assert_status(status);
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        let host = host.split('/').next().unwrap_or_default();
        let says_all = self.told().lines().any(|line| {
            let line = line.to_lowercase();
            line.contains(host) && words.iter().all(|word| line.contains(&word.to_lowercase()))
        });
        assert!(
            says_all,
            "{program}: no line says {words:?} of {host}: {told}"
        );
        self.assert_harmless();
        self.assert_nothing_half_done();
    }

    /// Checks the status. A check has one for all that keeps it from judging.
    pub(crate) fn assert_status(&self, status: i32) {
        if self.program == CHECK {
            self.assert_unknown();
        } else {
            let told: String = self.told().chars().take(5_000).collect();
            assert_eq!(self.run.status, Some(status), "{}: {told}", self.program);
        }
    }

    /// Returns where a run says why it failed.
    pub(crate) fn told(&self) -> &str {
        match self.program {
            CHECK => &self.run.stdout,
            _ => &self.run.stderr,
        }
    }

    /// Returns what a run delivered; a check that failed delivers nothing but its line.
    pub(crate) fn delivered(&self) -> &str {
        match self.program {
            CHECK => "",
            _ => &self.run.stdout,
        }
    }

    /// Checks that a monitoring system sees an unknown state, and one line of a length
    /// that it keeps, which nothing turns into performance data.
    pub(crate) fn assert_unknown(&self) {
        let Run { status, stdout, .. } = &self.run;
        assert_eq!(*status, Some(3), "{}", self.run.stderr);
        let line = stdout.strip_suffix('\n').expect("a line");
        assert!(line.starts_with("UNKNOWN - "), "{line}");
        assert!(!line.contains(['\n', '\r', '|']), "{line}");
        assert!(line.chars().count() <= 1_100, "{line}");
    }

    /// Checks what holds however a run ends.
    pub(crate) fn assert_harmless(&self) {
        let Self { program, run, .. } = self;
        for (name, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            assert!(!text.contains("panicked"), "{program}: {text}");
            assert!(!text.contains(KEY), "{program} shows the key on {name}");
            let acting = text.chars().find(|c| acts(*c));
            assert_eq!(acting, None, "{program} on {name}");
        }
        assert!(run.stderr.lines().count() < 40, "{program}: {}", run.stderr);
        let longest = run.stderr.lines().map(str::len).max();
        assert!(longest < Some(10_000), "{program}: {longest:?}");
    }

    /// Checks that no unfinished file is left, and that what is not stored is not
    /// taken for stored.
    pub(crate) fn assert_nothing_half_done(&self) {
        let (program, directory) = (self.program, self.directory.path());
        let left = names(&directory.join("out"));
        let unfinished = left
            .iter()
            .find(|name| name.ends_with(".part") || name.ends_with(".ready"));
        assert_eq!(unfinished, None, "{program}");
        match program {
            LOADER => assert!(!directory.join("state").exists(), "{}", self.run.stderr),
            PIPE => {
                let kept = fs::read_to_string(directory.join("failed")).expect("a file");
                let kept: Value = serde_json::from_str(&kept).expect("the test as it was read");
                let given: Value =
                    serde_json::from_str(include_str!("iperf3.json")).expect("a document");
                assert_eq!(kept, given);
            }
            _ => {}
        }
    }
}

/// Tells whether a character acts on a terminal or cannot be seen.
pub(crate) fn acts(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\r' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Names in a directory, but for those that begin with a dot.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

/// Runs this for each of the programs, all at once.
pub(crate) fn each<const N: usize>(
    programs: [&'static str; N],
    check: impl Fn(&'static str) + Send + Sync,
) {
    thread::scope(|scope| {
        for program in programs {
            scope.spawn(|| check(program));
        }
    });
}

/// A test with one series of throughput.
pub(crate) fn test(key: &str) -> Value {
    json!({
        "metadata-key": key, "subject-type": "point-to-point", "source": "10.0.0.1",
        "destination": "10.0.0.2", "tool-name": "bwctl/iperf3", "uri": format!("{ROOT}{key}/"),
        "measurement-agent": "10.0.0.1", "input-source": "a", "input-destination": "b",
        "event-types": [{
            "event-type": "throughput", "base-uri": format!("{ROOT}{key}/throughput/base"),
            "time-updated": 1, "summaries": [],
        }],
    })
}
