//! Values as text, and what the writers do at their edges.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::io::{self, Write};

use esmond_ps_cli_common::output::{Format, file_writer, writer};
use esmond_ps_cli_common::pytext::{compact_json, csv, human, number, printable, push_json};
use esmond_ps_cli_common::rows::Row;
use serde_json::{Value, json};

fn print(format: Format, columns: &[&'static str], rows: &[Row]) -> String {
    let mut out = Vec::new();
    let mut writer = writer(format, columns, &mut out);
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.finish().unwrap();
    String::from_utf8(out).unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn json_line(value: &Value) -> String {
    let mut text = String::new();
    push_json(&mut text, value);
    text
}

/// `floats.txt`: a JSON number, and what Python 3 prints for it.
#[test]
fn floats_are_python_floats() {
    for line in include_str!("data/output/floats.txt").lines() {
        let (text, python) = line.split_once(' ').unwrap();
        assert_eq!(number(text), python, "{text}");
        assert_eq!(human(&parsed(text)), python, "{text}");
        assert_eq!(json_line(&parsed(text)), python, "{text}");
    }
}

#[test]
fn integers_keep_all_their_digits() {
    for text in ["0", "-7", "9007199254740993", "1208925819614629174706176"] {
        assert_eq!(human(&parsed(text)), text);
        assert_eq!(csv(&parsed(text)), text);
        assert_eq!(json_line(&parsed(text)), text);
    }
}

/// DIFFERENCE: Python prints the nearest double instead.
#[test]
fn what_a_double_cannot_hold_keeps_its_digits() {
    assert_eq!(number("9007199254740993.0"), "9007199254740993.0");
    assert_eq!(number("-9223372036854775807.00"), "-9223372036854775807.0");
    assert_eq!(number("1e999"), "1e999");
}

#[test]
fn values_have_a_python_text() {
    let cases = [
        (json!(null), "None", ""),
        (json!(true), "True", "True"),
        (json!(false), "False", "False"),
        (json!("None, really"), "None, really", "None, really"),
        (json!([]), "", ""),
        (
            json!([41.0, null, "a", true]),
            "41.0, None, a, True",
            "41.0, None, a, True",
        ),
    ];
    for (value, in_human, in_csv) in cases {
        assert_eq!(human(&value), in_human);
        assert_eq!(csv(&value), in_csv);
    }
}

/// DIFFERENCE: Python prints `{'34.4': 506, 'é"': [None]}`.
#[test]
fn objects_are_compact_json() {
    let object = json!({"34.4": 506, "é\"": [null, 1e-5]});
    let text = r#"{"34.4":506,"é\"":[null,1e-05]}"#;
    assert_eq!(human(&object), text);
    assert_eq!(csv(&object), text);
    assert_eq!(compact_json(&object), text);
    assert_eq!(human(&json!([{"a": 1}, [1, "x"]])), r#"{"a":1}, [1,"x"]"#);
}

#[test]
fn json_is_escaped_as_python_escapes_it() {
    // Made with json.dumps.
    let value = json!({"ké": "\u{8}\t\n\u{c}\r\u{1}\u{1f}\"\\/\u{7f}\u{80}é\u{2028}😀", "n": [1, 2.50, null, true]});
    let python = "{\"k\\u00e9\": \"\\b\\t\\n\\f\\r\\u0001\\u001f\\\"\\\\/\\u007f\\u0080\\u00e9\\u2028\\ud83d\\ude00\", \"n\": [1, 2.5, null, true]}";
    assert_eq!(json_line(&value), python);
    assert_eq!(parsed(python)["ké"], value["ké"]);
}

#[test]
fn control_characters_are_visible_to_people_and_unchanged_for_programs() {
    // DIFFERENCE: the originals print them as they come.
    let text = "a\u{1b}]0;x\u{7}b\r\u{9b}2J\u{202e}c\u{200b}\u{feff}\u{e0041}";
    let visible = r"a\x1b]0;x\x07b\x0d\x9b2J\u{202e}c\u{200b}\u{feff}\u{e0041}";
    assert_eq!(printable(text), visible);
    assert_eq!(human(&json!([text])), visible);
    assert_eq!(csv(&json!(text)), text);
    let row = Row::new().with("\u{1b}[2J", text);
    assert_eq!(
        print(Format::Human, &[], &[row]),
        format!("\\x1b[2J: {visible}\n\n")
    );
}

#[test]
fn newlines_tabs_and_ordinary_text_stay() {
    for text in [
        "timeout, gave up\nafter\t10 s",
        "hôte inconnu ✓",
        "日本語 עברית",
        "😀",
    ] {
        assert_eq!(printable(text), text);
    }
}

#[test]
fn csv_quotes_only_what_needs_it() {
    let row = |value: Value| Row::new().with("a", value).with("b", "x");
    let rows = [
        row(json!("plain text; 'quoted'")),
        row(json!("a,b")),
        row(json!("say \"no\"")),
        row(json!("two\nlines")),
        row(json!("return\r")),
        row(json!(" blank ")),
        row(json!(null)),
    ];
    // Made with csv.writer.
    let python = "a,b\r\nplain text; 'quoted',x\r\n\"a,b\",x\r\n\"say \"\"no\"\"\",x\r\n\"two\nlines\",x\r\n\"return\r\",x\r\n blank ,x\r\n,x\r\n";
    assert_eq!(
        print(Format::Csv, &["a", "b"], &rows),
        format!("{python}\n")
    );
}

#[test]
fn csv_prints_its_columns_and_no_others() {
    let row = Row::new().with("b", 2).with("c", 3);
    assert_eq!(print(Format::Csv, &["a", "b"], &[row]), "a,b\r\n,2\r\n\n");
}

/// DIFFERENCE: json was `[{"msg": "No data found."}]`, csv had a row of `No data`.
#[test]
fn no_data_has_a_form_in_every_format() {
    let print = |format| print(format, &["a", "b"], &[]);
    assert_eq!(print(Format::Human), "No data found.\n");
    assert_eq!(print(Format::Json), "[]\n");
    assert_eq!(print(Format::Jsonl), "");
    assert_eq!(print(Format::Csv), "a,b\r\n\n");
}

#[test]
fn files_without_rows_have_no_newline_of_print_either() {
    for (format, expected) in [
        (Format::Json, "[]"),
        (Format::Csv, "a\r\n"),
        (Format::Jsonl, ""),
    ] {
        let mut out = Vec::new();
        file_writer(format, &["a"], &mut out).finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{format}");
    }
}

/// A pipe whose reader goes away after some bytes.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_reported_as_such_by_every_writer() {
    // Parquet needs a file.
    let to_pipes = Format::ALL
        .into_iter()
        .filter(|format| *format != Format::Parquet);
    for format in to_pipes {
        let mut writer = writer(format, &["a"], Pipe(10));
        let row = Row::new().with("a", "a value longer than the pipe");
        // csv buffers rows of its own, so the error may come at the end.
        let result = writer.row(&row).and_then(|()| writer.finish());
        assert_eq!(
            result.unwrap_err().kind(),
            io::ErrorKind::BrokenPipe,
            "{format}"
        );
    }
}

#[test]
fn formats_are_found_by_name() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    let error = "xml".parse::<Format>().unwrap_err();
    assert_eq!(error.to_string(), "`xml` is not an output format");
}
