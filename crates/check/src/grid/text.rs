//! The grid as text: a line of status, then a table for each measure.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::grid::model::{CellState, Grid, Measure, Reading};
use crate::{duration, print};

/// Most reasons that are told.
const REASONS: usize = 10;

/// Returns the state of all cells in words.
pub(crate) fn summary(grid: &Grid) -> String {
    let counts = grid.counts();
    let total: usize = counts.values().sum();
    let parts: Vec<String> = CellState::ALL
        .iter()
        .filter_map(|state| Some(format!("{} {}", counts.get(state)?, state.name())))
        .collect();
    match total {
        0 => "no pair has points".to_owned(),
        1 => format!("1 cell: {}", parts.join(", ")),
        _ => format!("{total} cells: {}", parts.join(", ")),
    }
}

/// Writes a cell in few words: sign, value, age.
pub(crate) fn cell(grid: &Grid, measure: &Measure, reading: Option<&Reading>) -> String {
    let state = grid.state_of(measure, reading);
    let mut parts = vec![state.sign().to_owned()];
    let seen = reading.map(|reading| reading.seen).unwrap_or_default();
    if let Some(value) = seen.value {
        parts.push(measure.unit.words(value));
    }
    if let Some(newest) = seen.newest {
        parts.push(duration::words(grid.now.saturating_sub(newest).max(0)));
    }
    parts.join(" ")
}

/// Writes the line of status, and the tables if they are wanted.
pub(crate) fn write(grid: &Grid, has_tables: bool, out: &mut dyn Write) -> io::Result<()> {
    let counts = grid.counts();
    let data = CellState::ALL.map(|state| {
        let count = counts.get(&state).unwrap_or(&0);
        format!("'{}'={count};;;0;", state.name())
    });
    let summary = print::text(&summary(grid));
    writeln!(out, "{} - {summary} | {}", grid.state(), data.join(" "))?;
    if !has_tables {
        return Ok(());
    }
    for (number, measure) in grid.measures.iter().enumerate() {
        table(grid, number, measure, out)?;
    }
    let signs = CellState::ALL.map(|state| format!("{} {}", state.sign(), state.name()));
    writeln!(
        out,
        "\nCells: sign, newest value, its age. {}",
        signs.join(", ")
    )?;
    reasons(grid, out)
}

/// Says what is behind the question marks, in the order of the tables.
fn reasons(grid: &Grid, out: &mut dyn Write) -> io::Result<()> {
    let mut told = 0;
    let mut left_out: usize = 0;
    for (number, measure) in grid.measures.iter().enumerate() {
        for ((source, destination), readings) in &grid.pairs {
            let reading = readings[number].as_ref();
            let Some(reason) = reading.and_then(|reading| grid.reason(measure, reading)) else {
                continue;
            };
            if told == REASONS {
                left_out += 1;
                continue;
            }
            told += 1;
            writeln!(
                out,
                "? {}, {} to {}: {}",
                measure.event_type,
                grid.name(source),
                grid.name(destination),
                print::text(&reason)
            )?;
        }
    }
    if left_out > 0 {
        writeln!(out, "... and {left_out} more; -o json has all")?;
    }
    Ok(())
}

fn table(grid: &Grid, number: usize, measure: &Measure, out: &mut dyn Write) -> io::Result<()> {
    let (sources, destinations) = grid.hosts(number);
    if sources.is_empty() {
        return writeln!(out, "\n{}: no pair measures it", measure.event_type);
    }
    writeln!(out, "\n{} (rows: from, columns: to)", measure.event_type)?;
    // Names are too wide for columns: hosts have numbers.
    let hosts: BTreeSet<&str> = sources.union(&destinations).copied().collect();
    let place = |host: &str| {
        hosts
            .iter()
            .position(|known| *known == host)
            .map_or(0, |at| at + 1)
    };
    let label = |host: &str| format!("[{}] {}", place(host), grid.name(host));
    let labels: Vec<String> = sources.iter().map(|source| label(source)).collect();
    let mut columns: Vec<Vec<String>> = vec![labels];
    for destination in &destinations {
        let cells = sources.iter().map(|source| {
            let reading = grid.reading(source, destination, number);
            match reading {
                None => String::new(),
                reading => cell(grid, measure, reading),
            }
        });
        columns.push(cells.collect());
    }
    let heads = destinations
        .iter()
        .map(|destination| format!("[{}]", place(destination)));
    let heads: Vec<String> = std::iter::once(String::new()).chain(heads).collect();
    let widths: Vec<usize> = columns
        .iter()
        .zip(&heads)
        .map(|(cells, head)| {
            let cells = cells.iter().map(|cell| cell.chars().count());
            cells.max().unwrap_or(0).max(head.len())
        })
        .collect();
    write_row(&widths, heads.iter(), out)?;
    for row in 0..sources.len() {
        write_row(&widths, columns.iter().map(|cells| &cells[row]), out)?;
    }
    for destination in destinations.difference(&sources) {
        writeln!(out, "  to {}", label(destination))?;
    }
    Ok(())
}

fn write_row<'a>(
    widths: &[usize],
    cells: impl Iterator<Item = &'a String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut line = String::from(" ");
    for (cell, width) in cells.zip(widths) {
        line.push_str(&format!(" {cell:<width$} "));
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::model::tests::grid;

    #[test]
    fn a_table_has_a_row_for_each_source() {
        let mut grid = grid(&[
            ("10.0.0.1", "10.0.0.2", 0, Some(300), Some(9.4e9)),
            ("10.0.0.2", "10.0.0.1", 0, Some(300), Some(9.4e8)),
            ("10.0.0.2", "10.0.0.3", 0, Some(100_000), Some(9.4e9)),
        ]);
        grid.names
            .insert("10.0.0.1".to_owned(), "a.example\u{1b}[2J".to_owned());
        let mut text = Vec::new();
        write(&grid, true, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(
            text,
            "CRITICAL - 3 cells: 1 ok, 1 critical, 1 stale | 'ok'=1;;;0; 'warning'=0;;;0; \
             'critical'=1;;;0; 'stale'=1;;;0; 'unknown'=0;;;0; 'none'=0;;;0;\n\
             \n\
             throughput (rows: from, columns: to)\n\
             \x20                       [1]               [2]               [3]\n\
             \x20 [1] a.example\\x1b[2J                    + 9.4 Gb/s 5 min\n\
             \x20 [2] 10.0.0.2          X 940 Mb/s 5 min                    ~ 9.4 Gb/s 27 h\n\
             \x20 to [3] 10.0.0.3\n\
             \n\
             packet-loss-rate: no pair measures it\n\
             \n\
             Cells: sign, newest value, its age. + ok, ! warning, X critical, ~ stale, ? unknown, - none\n"
        );
    }

    #[test]
    fn what_is_behind_question_marks_is_told_of_the_first_ten() {
        let hosts: Vec<String> = (10..22).map(|number| format!("10.0.0.{number}")).collect();
        let cells: Vec<_> = hosts
            .iter()
            .map(|host| ("10.0.0.1", host.as_str(), 0, None, None))
            .collect();
        let mut grid = grid(&cells);
        for readings in grid.pairs.values_mut() {
            let reading = readings[0].as_mut().unwrap();
            reading.error = Some("status 500 |\u{1b}[2J".to_owned());
        }
        let no_number = grid.pairs.values_mut().next().unwrap()[0].as_mut().unwrap();
        no_number.error = None;
        no_number.seen.newest = Some(grid.now);
        let mut text = Vec::new();
        write(&grid, true, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let told: Vec<&str> = text
            .lines()
            .skip_while(|line| !line.starts_with("? "))
            .collect();
        assert_eq!(told.len(), 11, "{text}");
        assert_eq!(
            told[0],
            "? throughput, 10.0.0.1 to 10.0.0.10: the values are no numbers"
        );
        assert_eq!(
            told[1],
            "? throughput, 10.0.0.1 to 10.0.0.11: status 500 /\\x1b[2J"
        );
        assert_eq!(told[10], "... and 2 more; -o json has all");
    }
}
