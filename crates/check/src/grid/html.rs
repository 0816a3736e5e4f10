//! The grid as one page of HTML that needs nothing else: no network, no scripts.
//!
//! A table for each measure; each cell that has points links to the section of its
//! pair, further down, with all measures and a plot. States are told by words and
//! signs, not by colours alone. The page is also well-formed XML. What comes from an
//! archive is escaped, and a policy forbids everything but the page's own style.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use esmond_ps_cli_common::report::told;
use esmond_ps_plot::{Chart, Panel};
use sha2::{Digest as _, Sha256};

use crate::grid::model::{CellState, Grid, Measure, Pair, Reading};
use crate::grid::text::summary;
use crate::{duration, newest, print};

const STYLE: &str = include_str!("style.css");

/// Width of a plot, in pixels.
const WIDTH: u32 = 900;

/// Text that is shown as it is, whatever is in it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // First visible, then harmless.
        for character in told(self.0).chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

/// Writes the page.
pub(crate) fn write(grid: &Grid, out: &mut dyn Write) -> io::Result<()> {
    let ids: BTreeMap<&Pair, usize> = grid
        .pairs
        .iter()
        .filter(|(_, readings)| readings.iter().flatten().any(has_section))
        .enumerate()
        .map(|(number, (pair, _))| (pair, number + 1))
        .collect();
    head(grid, out)?;
    for number in 0..grid.measures.len() {
        table(grid, number, &ids, out)?;
    }
    for (pair, id) in &ids {
        section(grid, pair, *id, out)?;
    }
    out.write_all(b"</main>\n</body>\n</html>\n")
}

/// Tells whether there is more to say about a cell than stands in it.
fn has_section(reading: &Reading) -> bool {
    reading.seen.newest.is_some() || reading.error.is_some()
}

fn head(grid: &Grid, out: &mut dyn Write) -> io::Result<()> {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let archive = Escaped(&grid.archive);
    let time = |ts| print::time(ts).unwrap_or_default();
    let (now, since) = (time(grid.now), time(grid.since));
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
         <meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'sha256-{hash}'; base-uri 'none'; form-action 'none'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <title>{} - {archive}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Measurements of all pairs</h1>\n<p>{archive}</p>\n\
         <p><strong>{}</strong>, {}. Made at {now}, of points since {since}.</p>",
        grid.state(),
        grid.state(),
        Escaped(&summary(grid)),
    )?;
    for note in &grid.notes {
        writeln!(out, "<p>Note: {}.</p>", Escaped(note))?;
    }
    writeln!(out, "<ul class=\"legend\">")?;
    for state in CellState::ALL {
        let (name, sign) = (state.name(), Escaped(state.sign()));
        let meaning = match state {
            CellState::Ok => "as it should be",
            CellState::Warning => "outside of the warning range",
            CellState::Critical => "outside of the critical range",
            CellState::Stale => "the newest point is too old",
            CellState::Unknown => "could not be read, or is no number",
            CellState::None => "no points since then",
        };
        writeln!(
            out,
            "<li class=\"{name}\"><span class=\"sign\">{sign}</span> {name}: {meaning}</li>"
        )?;
    }
    writeln!(out, "</ul>")
}

fn table(
    grid: &Grid,
    number: usize,
    ids: &BTreeMap<&Pair, usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let measure = &grid.measures[number];
    let (sources, destinations) = grid.hosts(number);
    if sources.is_empty() {
        return writeln!(
            out,
            "<p>{}: no pair measures it.</p>",
            Escaped(&measure.event_type)
        );
    }
    writeln!(
        out,
        "<div class=\"scroll\"><table>\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">from \
         (rows) to (columns)</th>",
        Escaped(&caption(measure))
    )?;
    for destination in &destinations {
        writeln!(out, "<th scope=\"col\">{}</th>", host(grid, destination))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for source in &sources {
        writeln!(out, "<tr><th scope=\"row\">{}</th>", host(grid, source))?;
        for destination in &destinations {
            let pair = ((*source).to_owned(), (*destination).to_owned());
            match grid.reading(source, destination, number) {
                None if source == destination => writeln!(out, "<td class=\"same\"></td>")?,
                None => writeln!(out, "<td></td>")?,
                Some(reading) => {
                    let state = grid.state_of(measure, Some(reading));
                    let inside = cell(grid, measure, reading);
                    let class = state.name();
                    match ids.get(&pair).filter(|_| has_section(reading)) {
                        Some(id) => writeln!(
                            out,
                            "<td class=\"{class}\"><a href=\"#pair-{id}\">{inside}</a></td>"
                        )?,
                        None => writeln!(out, "<td class=\"{class}\">{inside}</td>")?,
                    }
                }
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody>\n</table></div>")
}

/// Says what a table shows and what is good enough.
fn caption(measure: &Measure) -> String {
    let mut text = measure.event_type.clone();
    let thresholds = &measure.thresholds;
    let mut parts = Vec::new();
    if let Some(range) = &thresholds.warning {
        parts.push(format!("warning {}", range.complaint()));
    }
    if let Some(range) = &thresholds.critical {
        parts.push(format!("critical {}", range.complaint()));
    }
    if let Some(limit) = thresholds.critical_age {
        parts.push(format!("stale after {}", duration::words(limit)));
    }
    if !parts.is_empty() {
        text.push_str(&format!(" ({})", parts.join(", ")));
    }
    text
}

/// Returns what stands in a cell: sign, value, state in words, age.
fn cell(grid: &Grid, measure: &Measure, reading: &Reading) -> String {
    let state = grid.state_of(measure, Some(reading));
    let value = reading.seen.value.map(|value| measure.unit.words(value));
    let value = value.unwrap_or_default();
    let age = reading
        .seen
        .newest
        .map(|newest| print::ago(grid.now, newest));
    format!(
        "<span class=\"sign\">{}</span>{} <span class=\"word\">{}</span><br/><span class=\"age\">{}</span>",
        Escaped(state.sign()),
        Escaped(&value),
        state.name(),
        Escaped(age.as_deref().unwrap_or("no points")),
    )
}

/// Returns the name of a host, with its address where that is something else.
fn host(grid: &Grid, host: &str) -> String {
    let name = grid.name(host);
    if name == host {
        return Escaped(&name).to_string();
    }
    let name = Escaped(&name).to_string();
    format!("{name}<br/><span class=\"age\">{}</span>", Escaped(host))
}

fn section(grid: &Grid, pair: &Pair, id: usize, out: &mut dyn Write) -> io::Result<()> {
    let (source, destination) = pair;
    let title = format!("{} to {}", grid.name(source), grid.name(destination));
    writeln!(
        out,
        "<section id=\"pair-{id}\">\n<h2>{}</h2>\n<div class=\"scroll\"><table>\n<caption>Newest \
         points</caption>\n<thead><tr><th scope=\"col\">measure</th><th scope=\"col\">state</th><th \
         scope=\"col\">newest value</th><th scope=\"col\">time</th><th scope=\"col\">tests</th><th \
         scope=\"col\">metadata key</th></tr></thead>\n<tbody>",
        Escaped(&title)
    )?;
    let readings = grid.pairs.get(pair).map_or(&[][..], Vec::as_slice);
    for (measure, reading) in grid.measures.iter().zip(readings) {
        let Some(reading) = reading else { continue };
        let state = grid.state_of(measure, Some(reading));
        let value = reading.seen.value.map(|value| measure.unit.words(value));
        let time = reading.seen.newest.and_then(print::time);
        let reason = grid.reason(measure, reading);
        let told = [&reading.error, &reason, &value];
        let told = told
            .into_iter()
            .flatten()
            .next()
            .map_or("-", String::as_str);
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"{}\"><span class=\"sign\">{}</span> {}</td><td>{}\
             </td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Escaped(&measure.event_type),
            state.name(),
            Escaped(state.sign()),
            state.name(),
            Escaped(told),
            Escaped(time.as_deref().unwrap_or("-")),
            reading.tests,
            Escaped(&reading.key),
        )?;
    }
    writeln!(out, "</tbody>\n</table></div>")?;
    let panels = readings
        .iter()
        .flatten()
        .filter_map(|reading| reading.panel.clone());
    let panels: Vec<Panel> = panels.collect();
    if panels.is_empty() {
        writeln!(
            out,
            "<p>No plot: nothing to draw, or more pairs than plots.</p>"
        )?;
    } else {
        let newest = readings
            .iter()
            .flatten()
            .filter_map(|reading| reading.seen.newest);
        // Clocks may be ahead of ours, and one that is far ahead hides no others.
        let to = newest
            .max()
            .unwrap_or(grid.now)
            .clamp(grid.now, grid.now + newest::AHEAD);
        let chart = Chart {
            title,
            from: grid.since,
            to,
            panels,
        };
        writeln!(
            out,
            "<figure>{}</figure>",
            chart.svg(WIDTH, chart.usual_height())
        )?;
    }
    writeln!(
        out,
        "<p><a href=\"#\">Back to the tables</a></p>\n</section>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::model::tests::grid;
    use esmond_ps_model::{RowLayout, SummaryType};
    use roxmltree::{Document, Node, ParsingOptions};
    use serde_json::json;

    fn page(grid: &Grid) -> String {
        let mut page = Vec::new();
        write(grid, &mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    fn parsed(page: &str) -> Document<'_> {
        let options = ParsingOptions {
            allow_dtd: true,
            ..ParsingOptions::default()
        };
        Document::parse_with_options(page, options).expect("well-formed")
    }

    fn text(node: Node<'_, '_>) -> String {
        node.descendants().filter_map(|node| node.text()).collect()
    }

    #[test]
    fn every_cell_with_points_leads_to_its_pair() {
        let mut grid = grid(&[
            ("10.0.0.1", "10.0.0.2", 0, Some(300), Some(9.4e9)),
            ("10.0.0.1", "10.0.0.2", 1, Some(300), Some(0.1)),
            ("10.0.0.2", "10.0.0.1", 0, Some(100_000), Some(9.4e8)),
            ("10.0.0.2", "10.0.0.3", 0, None, None),
        ]);
        let mut panel = Panel::of(
            "throughput",
            "throughput",
            RowLayout::Numeric,
            SummaryType::Base,
        )
        .unwrap();
        panel.add(grid.now - 300, &json!(9.4e9));
        let pair = ("10.0.0.1".to_owned(), "10.0.0.2".to_owned());
        grid.pairs.get_mut(&pair).unwrap()[0]
            .as_mut()
            .unwrap()
            .panel = Some(panel);
        let page = page(&grid);
        let document = parsed(&page);
        let ids: Vec<&str> = document
            .descendants()
            .filter_map(|node| node.attribute("id"))
            .collect();
        let links: Vec<&str> = document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/1999/xhtml", "a")))
            .filter_map(|node| node.attribute("href"))
            .collect();
        assert_eq!(ids, ["pair-1", "pair-2"]);
        assert_eq!(links, ["#pair-1", "#pair-2", "#pair-1", "#", "#"]);
        let of_class = |class: &str| {
            let cells = document.descendants();
            cells
                .filter(|node| {
                    node.tag_name().name() == "td" && node.attribute("class") == Some(class)
                })
                .count()
        };
        assert_eq!(
            (of_class("ok"), of_class("stale"), of_class("none")),
            (4, 2, 1)
        );
        assert_eq!(page.matches("<svg ").count(), 1);
        for table in document
            .descendants()
            .filter(|node| node.tag_name().name() == "table")
        {
            assert!(
                table
                    .children()
                    .any(|node| node.tag_name().name() == "caption")
            );
            let heads = table
                .descendants()
                .filter(|node| node.tag_name().name() == "th");
            assert!(
                heads
                    .into_iter()
                    .all(|head| head.attribute("scope").is_some())
            );
        }
    }

    #[test]
    fn nothing_of_an_archive_is_taken_for_markup() {
        let bad = "</td><script>alert('&\u{202e}\u{0}\")</script>";
        let mut grid = grid(&[(bad, "10.0.0.2", 0, Some(300), Some(9.4e9))]);
        grid.notes.push(bad.to_owned());
        grid.names.insert("10.0.0.2".to_owned(), bad.to_owned());
        grid.measures[0].event_type = bad.to_owned();
        grid.archive = format!("https://{bad}/");
        for readings in grid.pairs.values_mut() {
            let reading = readings[0].as_mut().unwrap();
            reading.key = bad.to_owned();
            reading.error = Some(bad.to_owned());
        }
        let page = page(&grid);
        let document = parsed(&page);
        assert!(!page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{0}'));
        assert!(text(document.root()).contains("<script>"));
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = page(&grid(&[(
            "10.0.0.1",
            "10.0.0.2",
            0,
            Some(300),
            Some(9.4e9),
        )]));
        let document = parsed(&page);
        for node in document.descendants().filter(Node::is_element) {
            assert!(
                !["script", "link", "img", "iframe", "object"].contains(&node.tag_name().name())
            );
            for attribute in node.attributes() {
                let is_code = attribute.name().starts_with("on") || attribute.name() == "style";
                assert!(!is_code && attribute.name() != "src", "{attribute:?}");
                if attribute.name() == "href" {
                    assert!(attribute.value().starts_with('#'), "{attribute:?}");
                }
            }
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<'));
        assert!(page.contains("default-src 'none'"));
    }
}
