//! Tables for people.

use crate::logging::escaped;

/// On which side the texts of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Returns a table with a head, two spaces between its columns. Control
/// characters are written as escapes.
pub(crate) fn table(head: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    let visible = |cell: &String| escaped(cell, |_| false);
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(visible).collect())
        .collect();
    let titles: Vec<String> = head.iter().map(|(title, _)| (*title).to_owned()).collect();
    let length = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().chain([&titles]);
            let lengths = cells
                .filter_map(|row| row.get(column))
                .map(|cell| length(cell));
            lengths.max().unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for row in [&titles].into_iter().chain(&rows) {
        let mut line = String::new();
        for ((cell, width), (_, side)) in row.iter().zip(&widths).zip(head) {
            let room = " ".repeat(width - length(cell));
            match side {
                Side::Left => line.extend([cell, &room, "  "]),
                Side::Right => line.extend([&room, cell.as_str(), "  "]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Side, table};

    #[test]
    fn columns_are_aligned_and_nothing_talks_to_terminals() {
        let rows = [
            vec!["a".to_owned(), "1000".to_owned(), "x".to_owned()],
            vec!["é\u{1b}".to_owned(), "1".to_owned(), String::new()],
        ];
        let head = [
            ("name", Side::Left),
            ("count", Side::Right),
            ("rest", Side::Left),
        ];
        assert_eq!(
            table(&head, &rows),
            "name     count  rest\n\
             a         1000  x\n\
             é\\u001b      1\n"
        );
    }
}
