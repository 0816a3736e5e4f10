//! The page: what was measured, and beside what misses its goal the reason.
//!
//! The reasons are written by hand in `notes.md`: a heading `## figure` or
//! `## figure: row`, and text until the next heading. Those of a row are shown while it
//! misses its goal, those of a whole figure always.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::FIGURES;
use crate::bench::{Row, Table};
use crate::results::Results;

const NOTES: &str = include_str!("notes.md");

const HEAD: &str = "\
# Performance

<!-- Written by `make bench`; the reasons stand in tests/bench/notes.md. -->

Each figure is held against a limit that was measured in the same run on the same machine, turn by turn with it, so
that it means the same elsewhere. The best of several rounds counts. Everything runs on one machine: the archive, its
clients, and what they are compared with share its processors. Data are on disk before they are acknowledged.

    make bench                           all of this again, in about half an hour
    make bench FIGURES=\"disk startup\"    these figures; the others stay as they are

";

/// Writes the page.
pub(crate) fn write(path: &Path, results: &Results) {
    let text = text(results, &notes(NOTES));
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn text(results: &Results, notes: &BTreeMap<&str, &str>) -> String {
    let mut page = HEAD.to_owned();
    let entries = FIGURES
        .iter()
        .filter_map(|figure| Some((figure, results.of(figure.name)?)));
    let entries: Vec<_> = entries.collect();
    let verdicts = entries.iter().flat_map(|(_, entry)| &entry.measured.rows);
    let verdicts: Vec<bool> = verdicts.filter_map(|row| row.is_met).collect();
    let met = verdicts.iter().filter(|is_met| **is_met).count();
    writeln!(page, "{met} of {} goals are met.", verdicts.len()).expect("a text takes everything");
    for (figure, entry) in entries {
        write!(
            page,
            "\n## {}\n\n{}\n\n",
            figure.title,
            wrapped(figure.about)
        )
        .expect("taken");
        page += &table(&entry.measured.rows);
        if let Some(note) = notes.get(figure.name) {
            write!(page, "\n{note}\n").expect("taken");
        }
        let missed = entry
            .measured
            .rows
            .iter()
            .filter(|row| row.is_met == Some(false));
        for row in missed {
            let name = format!("{}: {}", figure.name, row.what);
            let reason = notes.get(name.as_str());
            let reason = reason.unwrap_or(&"Missed; the reason is not known yet.");
            write!(page, "\n*{}*: {reason}\n", row.what).expect("taken");
        }
        for table in &entry.measured.tables {
            write!(page, "\n{}:\n\n{}", table.title, growth(table)).expect("taken");
        }
        let said = wrapped(&format!("Measured {}.", entry.circumstances.text()));
        write!(page, "\n{said}\n").expect("taken");
    }
    page
}

/// Returns the table of the rows of a figure.
pub(crate) fn table(rows: &[Row]) -> String {
    let head = ["", "ours", "limit", "compared", "goal", ""].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let verdict = match row.is_met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        let texts = [&row.what, &row.ours, &row.limit, &row.value, &row.goal];
        let mut cells = texts.map(String::clone).to_vec();
        cells.push(verdict.to_owned());
        cells
    });
    let cells: Vec<Vec<String>> = cells.collect();
    markdown(&head, &cells)
}

fn growth(table: &Table) -> String {
    markdown(&table.head, &table.lines)
}

/// Returns a table with its columns in line.
fn markdown(head: &[String], lines: &[Vec<String>]) -> String {
    let wide = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        let cells = cells.chain(head.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(wide).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let lines = lines.iter().map(|cells| line(cells));
    let text = [line(head), line(&rule)].into_iter().chain(lines);
    text.collect()
}

/// Breaks a paragraph into lines.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 116;
    let mut lines = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 {
            let is_full = width + 1 + length > WIDTH;
            lines.push(if is_full { '\n' } else { ' ' });
            width = if is_full { 0 } else { width + 1 };
        }
        lines.push_str(word);
        width += length;
    }
    lines
}

/// Reads the reasons by their headings.
fn notes(text: &str) -> BTreeMap<&str, &str> {
    let parts = text.split("\n## ").skip(1);
    let notes = parts.filter_map(|part| part.split_once('\n'));
    notes
        .map(|(name, text)| (name.trim(), text.trim()))
        .collect()
}
