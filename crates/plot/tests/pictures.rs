//! Pictures, compared with stored ones by what is in them, and read by other programs'
//! libraries.
//!
//! With `ESMOND_PS_BLESS=1` in the environment the stored ones are written anew:
//! look at them before they are kept.

mod series;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use esmond_ps_plot::{Chart, Screen};
use roxmltree::{Document, Node};

fn stored(name: &str, made: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    if std::env::var_os("ESMOND_PS_BLESS").is_some() {
        std::fs::write(&path, made).expect("it is written");
    }
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is in a picture, but for places: texts, and of the shapes of each kind how
/// many there are, with how many points.
fn outline(svg: &str) -> String {
    let document = Document::parse(svg).expect("SVG is XML");
    let mut out = String::new();
    let root = document.root_element();
    writeln!(
        out,
        "{} x {}",
        root.attribute("width").unwrap_or_default(),
        root.attribute("height").unwrap_or_default()
    )
    .expect("text takes all");
    for name in ["title", "desc"] {
        writeln!(
            out,
            "{name}: {}",
            child(root, name).text().unwrap_or_default()
        )
        .expect("text takes all");
    }
    for group in root.children().filter(|node| node.has_tag_name("g")) {
        writeln!(out, "{}", group.attribute("class").unwrap_or_default()).expect("text takes all");
        let mut shapes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for node in group.children().filter(Node::is_element) {
            if node.tag_name().name() == "text" {
                writeln!(out, "  text: {}", node.text().unwrap_or_default())
                    .expect("text takes all");
                continue;
            }
            let class = node.attribute("class").unwrap_or(node.tag_name().name());
            let points = node
                .attribute("points")
                .map_or(0, |points| points.split(' ').count());
            shapes.entry(class.to_owned()).or_default().push(points);
        }
        for (class, points) in shapes {
            writeln!(out, "  {class}: {} with {points:?} points", points.len())
                .expect("text takes all");
        }
    }
    out
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Node<'a, 'a> {
    node.children()
        .find(|node| node.has_tag_name(name))
        .expect("it is there")
}

#[test]
fn pictures_hold_what_the_stored_ones_hold() {
    for (name, chart) in series::all() {
        let svg = chart.svg(1000, chart.usual_height());
        let stored = stored(&format!("{name}.svg"), &svg);
        assert_eq!(outline(&svg), outline(&stored), "{name}");
    }
}

#[test]
fn a_line_is_broken_at_a_gap_and_the_gap_is_shaded() {
    let chart = series::throughput();
    let svg = chart.svg(1000, 300);
    let document = Document::parse(&svg).unwrap();
    let x_of = |node: &Node<'_, '_>, class: &str| {
        let points = node
            .attribute("points")
            .filter(|_| node.attribute("class") == Some(class))?;
        let x = |point: &str| point.split(',').next().unwrap().parse::<f64>().unwrap();
        Some((
            x(points.split(' ').next()?),
            x(points.split(' ').next_back()?),
        ))
    };
    let lines: Vec<(f64, f64)> = document
        .descendants()
        .filter_map(|node| x_of(&node, "line"))
        .collect();
    let gap = document
        .descendants()
        .find(|node| node.attribute("class") == Some("gap"))
        .unwrap();
    let number = |name| gap.attribute(name).unwrap().parse::<f64>().unwrap();
    let (start, end) = (number("x"), number("x") + number("width"));
    assert_eq!(lines.len(), 2);
    assert!((lines[0].1 - start).abs() < 0.02, "{lines:?} {start}");
    assert!((lines[1].0 - end).abs() < 0.02, "{lines:?} {end}");
}

#[test]
fn text_of_an_archive_is_no_markup_and_no_order_to_a_terminal() {
    let mut chart = series::throughput();
    chart.title = "</title><script>alert(1)</script>\x1b[2J\u{202E}&\"'".to_owned();
    chart.panels[0].label = "<image href='http://x.example/'/>\0".to_owned();
    let svg = chart.svg(1000, 300);
    let document = Document::parse(&svg).unwrap();
    let names = [
        "svg", "title", "desc", "g", "rect", "polyline", "polygon", "circle", "text",
    ];
    for node in document.descendants().filter(Node::is_element) {
        assert!(names.contains(&node.tag_name().name()), "{node:?}");
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on"), "{attribute:?}");
            assert!(
                !["href", "style", "id"].contains(&attribute.name()),
                "{attribute:?}"
            );
        }
    }
    assert_eq!(document.root_element().attribute("role"), Some("img"));
    for unicode in [true, false] {
        let text = chart.terminal(screen(80, 24, unicode));
        assert!(!text.contains(['\x1b', '\0', '\u{202E}']), "{text}");
    }
}

#[test]
fn a_million_points_make_a_picture_of_usual_size() {
    let chart = series::million();
    let svg = chart.svg(1000, 300);
    assert!(svg.len() < 150_000, "{}", svg.len());
    Document::parse(&svg).unwrap();
}

#[test]
fn sizes_and_times_that_make_no_sense_make_a_picture_all_the_same() {
    for (from, to) in [(0, 0), (5, -5), (i64::MIN, i64::MAX), (i64::MAX, i64::MAX)] {
        for (_, mut chart) in series::all() {
            (chart.from, chart.to) = (from, to);
            Document::parse(&chart.svg(0, 0)).unwrap();
            assert!(chart.terminal(screen(0, 0, true)).lines().count() > 3);
        }
    }
    let no_panels = Chart {
        title: String::new(),
        from: 0,
        to: 1,
        panels: Vec::new(),
    };
    Document::parse(&no_panels.svg(500, no_panels.usual_height())).unwrap();
    assert_eq!(no_panels.terminal(screen(80, 24, true)), "");
}

#[test]
fn a_day_of_data_in_ten_years_is_shown_alone_and_a_day_of_a_week_is_not() {
    let mut chart = series::throughput();
    chart.from -= 6 * 86_400;
    let week = (chart.from, chart.to);
    assert!(!chart.zoom_in());
    assert_eq!((chart.from, chart.to), week);
    chart.from -= 3650 * 86_400;
    assert!(chart.zoom_in());
    let (first, last) = chart.panels[0].times().unwrap();
    assert!(chart.from < first && chart.to > last && chart.to - chart.from < 100_000);
}

#[cfg(feature = "png")]
#[test]
fn a_png_picture_has_its_size_and_is_not_blank() {
    for (name, chart) in series::all() {
        let height = chart.usual_height();
        let bytes = chart.png(600, height, 1.5).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (900, height * 3 / 2), "{name}");
        let white = pixels
            .chunks(3)
            .filter(|pixel| *pixel == [255, 255, 255])
            .count();
        let all = pixels.len() / 3;
        assert!(
            white > all / 4 && white < all - all / 100,
            "{name}: {white} of {all} are white"
        );
        let blue = pixels
            .chunks(3)
            .any(|pixel| pixel[2] > pixel[0].saturating_add(80));
        assert_eq!(blue, name != "empty", "{name}");
    }
}

#[cfg(feature = "png")]
#[test]
fn a_png_picture_that_is_too_large_is_refused() {
    let chart = series::throughput();
    for (width, scale) in [
        (1_000_000, 1.0),
        (1000, 1e6),
        (1000, f32::NAN),
        (1000, 0.0),
        (1000, -1.0),
    ] {
        assert!(chart.png(width, 300, scale).is_err(), "{width} {scale}");
    }
}

fn screen(columns: usize, lines: usize, unicode: bool) -> Screen {
    Screen {
        columns,
        lines,
        colour: false,
        unicode,
    }
}

#[test]
fn text_pictures_are_the_stored_ones() {
    for (name, chart) in series::all() {
        for (kind, columns, unicode) in [("txt", 80, true), ("ascii.txt", 60, false)] {
            let text = chart.terminal(screen(columns, 24, unicode));
            assert_eq!(text, stored(&format!("{name}.{kind}"), &text), "{name}");
            for line in text.lines() {
                assert!(line.chars().count() <= columns, "{name}: {line}");
                assert!(unicode || line.is_ascii(), "{name}: {line}");
            }
            assert!(text.lines().count() < 24, "{name}: {text}");
        }
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    for (name, chart) in series::all() {
        let plain = screen(100, 30, true);
        let coloured = chart.terminal(Screen {
            colour: true,
            ..plain
        });
        let mut rest = String::new();
        for (number, part) in coloured.split('\x1b').enumerate() {
            rest.push_str(match number {
                0 => part,
                _ => part.split_once('m').expect("a colour ends in m").1,
            });
        }
        let trimmed: Vec<&str> = rest.lines().map(str::trim_end).collect();
        let expected = chart.terminal(plain);
        assert_eq!(trimmed, expected.lines().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn nothing_is_drawn_between_two_failures() {
    let error = serde_json::json!({"error": "no route"});
    let times = [1000, 2000, 2060, 2120];
    let points = times.map(|ts| (ts, &error));
    let layout = esmond_ps_model::RowLayout::Failures;
    let chart = esmond_ps_plot::chart("failures", "failures", layout, 0, 4000, points);
    let svg = chart.expect("failures are drawn").svg(1000, 300);
    let outline = outline(&svg);
    assert!(
        outline.contains("  bar: 4 with [2, 2, 2, 2] points"),
        "{outline}"
    );
    assert!(
        outline.contains("4 failures") && !outline.contains("gap"),
        "{outline}"
    );
    assert!(
        !outline.contains("zero") && !outline.contains("no data"),
        "{outline}"
    );
}
