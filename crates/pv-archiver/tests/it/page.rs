//! The page of the program: every example of it is run, and prints what stands there.

use std::fs;
use std::path::Path;

use crate::site::{ended, site};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pv-archiver.md");

/// How the page calls the server, whose port is another one each time.
const URL: &str = "http://localhost:4812";

#[test]
fn the_examples_print_what_the_page_says() {
    let site = site();
    let directory = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(PAGE).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_pv-archiver"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let mut made = String::new();
    let mut is_example = false;
    let mut examples = 0;
    let mut lines = page.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            is_example = line == "```console\n";
        }
        if let Some(typed) = line.strip_prefix("$ ").filter(|_| is_example) {
            examples += 1;
            made.push_str(line);
            let mut typed = typed.to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
                made.push_str(more);
                typed.push_str(&more[2..]);
            }
            let mut shell = std::process::Command::new("sh");
            shell
                .args(["-c", &format!("exec 2>&1\n{typed}")])
                .current_dir(directory.path())
                .env_clear()
                .env("PATH", &path)
                .env("PV_ARCHIVER_URL", &site.url)
                .env("PV_ARCHIVER_PASSWORD", "mysecret");
            let out = ended(&mut shell).out;
            let out = out.replace("\r\n", "\n").replace(&site.url, URL);
            // No editor shows blanks at the end of a line.
            for line in out.lines() {
                made.push_str(&format!("{}\n", line.trim_end()));
            }
        } else if !is_example || line.starts_with("```") {
            made.push_str(line);
        }
    }
    assert!(examples > 10, "{examples}");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pv-archiver.md");
    fs::write(&place, &made).unwrap();
    assert!(made == page, "as run, the page is {}", place.display());
}
