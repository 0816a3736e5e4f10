//! What packages are made of: manual pages and completions.

use std::fs;
use std::process::Command;

use esmond_ps_tests::run;
use esmond_ps_tests::tools::is_missing;

const PROGRAMS: [&str; 9] = [
    "esmond-ps-archive",
    "esmond-ps-check",
    "esmond-ps-get",
    "esmond-ps-get-bulk",
    "esmond-ps-get-endpoints",
    "esmond-ps-get-metadata",
    "esmond-ps-load-gridftp",
    "esmond-ps-pipe",
    "pv-archiver",
];

fn generated(program: &str, what: &str) -> String {
    let run = run(program, &["--generate", what]);
    assert_eq!((run.status, &*run.stderr), (Some(0), ""), "{program}");
    run.stdout
}

#[test]
fn a_manual_page_has_its_sections_in_the_usual_order() {
    for program in PROGRAMS {
        let page = generated(program, "man");
        let sections: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix(".SH "))
            .collect();
        let expected = [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "COMMANDS",
            "\"EXIT STATUS\"",
            "ENVIRONMENT",
            "FILES",
            "EXAMPLES",
            "\"SEE ALSO\"",
        ];
        let places = sections
            .iter()
            .map(|section| expected.iter().position(|known| known == section));
        assert!(places.clone().all(|place| place.is_some()), "{sections:?}");
        assert!(places.is_sorted(), "{program}: {sections:?}");
        for section in expected.iter().filter(|name| {
            // Some have no commands; one has no files, and no kin.
            !["COMMANDS", "FILES", "\"SEE ALSO\""].contains(name)
        }) {
            assert!(sections.contains(section), "{program}: {sections:?}");
        }
    }
}

#[test]
fn manual_pages_render_without_a_warning() {
    if is_missing("groff", "groff-base") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    for program in PROGRAMS {
        let file = directory.path().join(format!("{program}.1"));
        fs::write(&file, generated(program, "man")).expect("a file");
        let groff = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-rLL=80n"])
            .arg(&file)
            .output()
            .expect("groff starts");
        let complaints = String::from_utf8_lossy(&groff.stderr);
        assert!(
            groff.status.success() && complaints.is_empty(),
            "{complaints}"
        );
        let page = String::from_utf8_lossy(&groff.stdout);
        assert!(page.contains(&program.to_uppercase()), "{page}");
        // What a reader would take for a mistake of the page.
        for line in page.lines() {
            assert!(!line.contains("\\f") && !line.contains(".TP"), "{line}");
            let width = without_overstrikes(line).chars().count();
            assert!(width <= 80, "{program}: {line}");
        }
    }
}

/// A line as it is seen: groff makes letters bold by escapes, or by typing them twice.
fn without_overstrikes(line: &str) -> String {
    let mut seen = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{8}' => drop(seen.pop()),
            '\u{1b}' => drop(letters.by_ref().find(|end| *end == 'm')),
            _ => seen.push(letter),
        }
    }
    seen
}

#[test]
fn a_manual_page_has_every_name_of_an_option_and_the_variables_of_all_commands() {
    let check = generated("esmond-ps-check", "man");
    assert!(check.contains("\\-\\-max\\-age"), "{check}");
    let archive = generated("esmond-ps-archive", "man");
    let variables = archive.split(".SH ENVIRONMENT").nth(1).expect("a section");
    assert!(variables.contains("ESMOND_ARCHIVE_LISTEN"), "{variables}");
}

#[test]
fn a_value_that_is_not_known_is_told_with_those_that_are() {
    let run = run("esmond-ps-pipe", &["--to", "logstsh"]);
    assert_eq!(run.status, Some(2), "{run:?}");
    let end = "'--to <TARGET>'; did you mean logstash? (one of: esmond, logstash)\n";
    assert!(run.stderr.ends_with(end), "{run:?}");
}

/// What the completion of a program makes of the last of these words.
fn completed(program: &str, words: &str) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let script = directory.path().join("completion.bash");
    fs::write(&script, generated(program, "bash")).expect("a file");
    let last = words.rsplit(' ').next().unwrap_or_default();
    let before = words.rsplit(' ').nth(1).unwrap_or_default();
    // As bash does it: with the function that the script registers.
    let text = format!(
        "source '{}'; set -- $(complete -p {program}); \
         while [ \"$1\" != -F ]; do shift; done; \
         COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
         $2 {program} '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let bash = Command::new("bash")
        .args(["--norc", "-c", &text])
        .output()
        .expect("bash starts");
    assert!(bash.status.success() && bash.stderr.is_empty(), "{bash:?}");
    let words = String::from_utf8_lossy(&bash.stdout);
    words.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_completes_options_values_and_commands() {
    if is_missing("bash", "bash") {
        return;
    }
    assert_eq!(
        completed("esmond-ps-get", "esmond-ps-get --summary-t"),
        ["--summary-type"]
    );
    let types = completed("esmond-ps-get", "esmond-ps-get --event-type histogram-o");
    assert_eq!(types, ["histogram-owdelay"]);
    assert_eq!(
        completed("esmond-ps-pipe", "esmond-ps-pipe --to l"),
        ["logstash"]
    );
    assert_eq!(
        completed("esmond-ps-archive", "esmond-ps-archive mir"),
        ["mirror"]
    );
    assert_eq!(
        completed("esmond-ps-archive", "esmond-ps-archive --log de"),
        ["debug"]
    );
    assert_eq!(
        completed("esmond-ps-archive", "esmond-ps-archive serve --tls-c"),
        ["--tls-cert"]
    );
    assert_eq!(
        completed("esmond-ps-check", "esmond-ps-check --no-data w"),
        ["warning"]
    );
    let all = "human json jsonl csv table";
    for (words, formats) in [
        ("esmond-ps-get-endpoints", all),
        ("esmond-ps-get-metadata", all),
        ("esmond-ps-get", "human json jsonl csv table influx"),
        ("esmond-ps-get-bulk", "json jsonl csv influx parquet"),
        ("esmond-ps-check", "human json"),
        ("pv-archiver cluster", "human json jsonl csv"),
    ] {
        let program = words.split(' ').next().unwrap();
        for option in ["-o", "--output-format"] {
            let offered = completed(program, &format!("{words} {option} ''"));
            assert_eq!(offered.join(" "), formats, "{words}");
        }
        // What is offered is what is taken.
        let mut typed: Vec<&str> = words.split(' ').skip(1).collect();
        typed.extend(["-o", "bogus", "--url", "http://127.0.0.1:1"]);
        if ["esmond-ps-get", "esmond-ps-check"].contains(&program) {
            typed.extend(["-s", "127.0.0.1", "-d", "127.0.0.1", "-e", "throughput"]);
        }
        let run = run(program, &typed);
        let told = run.stderr.split_once("one of: ");
        let told = told.or_else(|| run.stderr.split_once("possible values: "));
        let (_, told) = told.unwrap_or_else(|| panic!("{run:?}"));
        let told: Vec<&str> = told
            .split([' ', ',', '[', ']', '\'', ')', '\n'])
            .filter(|word| !word.is_empty())
            .take(formats.split(' ').count() + 1)
            .collect();
        assert!(told.join(" ").starts_with(formats), "{run:?}");
        let next = told.get(formats.split(' ').count());
        let is_format = |word: &&str| "human json jsonl csv table influx parquet".contains(word);
        assert!(!next.is_some_and(is_format), "{run:?}");
    }
    for program in PROGRAMS {
        let options = completed(program, &format!("{program} --he"));
        assert_eq!(options, ["--help"], "{program}");
        let hidden = completed(program, &format!("{program} --gen"));
        assert_eq!(hidden.concat(), "", "{program}");
    }
}

#[test]
fn the_scripts_for_other_shells_are_understood_by_them() {
    for (shell, arguments) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let is_there = !is_missing(shell, shell);
        for program in PROGRAMS {
            let script = generated(program, shell);
            assert!(script.contains(program), "{script}");
            let file = directory.path().join(program);
            fs::write(&file, script).expect("a file");
            if is_there {
                let checked = Command::new(shell).arg(arguments).arg(&file).output();
                let checked = checked.expect("the shell starts");
                assert!(checked.status.success(), "{checked:?}");
            }
        }
    }
}

#[test]
fn something_else_cannot_be_generated() {
    for what in ["elvish", ""] {
        let run = run("esmond-ps-get", &["--generate", what]);
        assert_eq!((run.status, &*run.stdout), (Some(2), ""));
        assert_eq!(run.stderr, "--generate makes man, bash, zsh or fish\n");
    }
}

/// Options stand below the same headings in all programs, and lines of examples fit
/// a terminal of 80 columns.
#[test]
fn helps_are_alike() {
    let order = ["Query:", "Input:", "Output:", "Connection:", "Behaviour:"];
    for program in PROGRAMS.into_iter().filter(|name| {
        // These have commands.
        !["esmond-ps-archive", "pv-archiver"].contains(name)
    }) {
        let help = run(program, &["--help"]).stdout;
        let headings: Vec<&str> = help
            .lines()
            .filter(|line| line.ends_with(':') && !line.starts_with(' '))
            .collect();
        let places: Vec<usize> = headings
            .iter()
            .filter_map(|heading| order.iter().position(|known| known == heading))
            .collect();
        assert!(
            places.len() >= 3 && places.is_sorted(),
            "{program}: {headings:?}"
        );
        assert!(headings.contains(&"Examples:"), "{program}: {headings:?}");
        assert!(help.contains("Exit status:"), "{program}");
        let examples = help.split("Examples:").nth(1).unwrap_or_default();
        let longest = examples.lines().map(str::len).max();
        assert!(longest <= Some(80), "{program}: {longest:?}");
    }
}
