//! Answers that are no good HTTP, or that have no end.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, LazyLock};
use std::thread;

use esmond_ps_tests::wire::{Wire, drip, json_head, send, send_for_ever, wait_for_ever};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::runs::{ASKERS, PROGRAMS, ROOT, attack, each, test};

/// 100 MiB of blanks, within a list.
static GZIP_BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"[").expect("memory");
    for _ in 0..100 {
        packed.write_all(&[b' '; 1 << 20]).expect("memory");
    }
    packed.finish().expect("memory")
});

/// The same, as one frame of blocks that repeat a byte.
fn zstd_bomb() -> Vec<u8> {
    // Magic number, no flags, a window of 128 KiB.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for _ in 0..800 {
        let repeated = (1_u32 << 1) | ((128 << 10) << 3);
        frame.extend(&repeated.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

fn head(stream: &mut TcpStream, text: &str) {
    send(stream, text.replace('\n', "\r\n").as_bytes());
}

const JSON: &str = "HTTP/1.1 200 OK\nContent-Type: application/json\n";

type Act = fn(&mut TcpStream);

/// Tells whether nothing but a time-out ends a request.
fn waits(name: &str, words: &[&str]) -> bool {
    name.contains("drips") || words[0].contains("no data")
}

/// What is done with a connection, and what is said of it.
const ACTS: [(&str, Act, &[&str]); 25] = [
    ("closes at once", |_| (), &["reading", "failed"]),
    (
        "a body without an end",
        |s| {
            json_head(s, "");
            send(s, b"[");
            send_for_ever(s, &[b' '; 1 << 16]);
        },
        &["larger than 67108864 bytes"],
    ),
    (
        "a line of 100 MB",
        |s| {
            json_head(s, "Content-Length: 100000002\r\n");
            send(s, b"\"");
            for _ in 0..100 {
                send(s, &[b'x'; 1_000_000]);
            }
            send(s, b"\"");
        },
        &["larger than 67108864 bytes"],
    ),
    (
        "a bomb of gzip",
        |s| {
            json_head(s, "Content-Encoding: gzip\r\n");
            send(s, &GZIP_BOMB);
        },
        &["larger than 67108864 bytes"],
    ),
    (
        "a bomb of zstd",
        |s| {
            json_head(s, "Content-Encoding: zstd\r\n");
            send(s, &zstd_bomb());
        },
        &["larger than 67108864 bytes"],
    ),
    (
        "zstd of which nothing comes",
        |s| {
            json_head(s, "Content-Encoding: zstd\r\n");
            let mut skipped = vec![0x50, 0x2a, 0x4d, 0x18, 0xf8, 0xff, 0, 0];
            skipped.resize(1 << 16, 0);
            send_for_ever(s, &skipped);
        },
        &["no data from"],
    ),
    (
        "plain text called gzip",
        |s| {
            json_head(s, "Content-Encoding: gzip\r\n");
            send(s, b"[]");
        },
        &["reading", "failed"],
    ),
    (
        "a body that drips",
        |s| {
            json_head(s, "");
            drip(s, b"[ ");
        },
        &["too slow"],
    ),
    (
        "a refusal that drips",
        |s| {
            head(
                s,
                "HTTP/1.1 500 No\nContent-Type: text/plain\nConnection: close\n\n",
            );
            drip(s, b"no ");
        },
        &["500"],
    ),
    (
        "a page for people that drips",
        |s| {
            head(
                s,
                "HTTP/1.1 200 OK\nContent-Type: text/html\nConnection: close\n\n",
            );
            drip(s, b"no ");
        },
        &["text/html"],
    ),
    (
        "a head that drips",
        |s| drip(s, b"HTTP/1.1 200 OK\r\nX: "),
        &["no data from", "within"],
    ),
    (
        "a head without an end",
        |s| {
            head(s, JSON);
            send(s, b"X: ");
            send_for_ever(s, &[b'x'; 1 << 16]);
        },
        &["reading", "failed"],
    ),
    (
        "headers without an end",
        |s| {
            head(s, JSON);
            send_for_ever(s, "X: y\r\n".repeat(1000).as_bytes());
        },
        &["reading", "failed"],
    ),
    (
        "a flood of 100",
        |s| {
            send_for_ever(s, "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000).as_bytes());
        },
        &["no data from"],
    ),
    (
        "no answer at all",
        wait_for_ever,
        &["no data from", "within"],
    ),
    (
        "half a body and silence",
        |s| {
            json_head(s, "Content-Length: 1000\r\n");
            send(s, b"[");
            wait_for_ever(s);
        },
        &["no data from", "within"],
    ),
    (
        "HTTP/0.9",
        |s| {
            send(s, b"<html>welcome</html>\n");
        },
        &["reading", "failed"],
    ),
    (
        "noise",
        |s| {
            send(s, &[0, 0xff, 0x1b, b'[', b'2', b'J', 7, 0x80].repeat(1000));
        },
        &["reading", "failed"],
    ),
    (
        "a length that is too long",
        |s| {
            json_head(s, "Content-Length: 1000\r\n");
            send(s, b"[]");
        },
        &["reading", "failed"],
    ),
    (
        "a length that is too short",
        |s| {
            json_head(s, "Content-Length: 1\r\n");
            send(s, b"[]");
        },
        &["not as expected"],
    ),
    (
        "a length that is none",
        |s| {
            json_head(s, "Content-Length: -1\r\n");
            send(s, b"[]");
        },
        &["reading", "failed"],
    ),
    (
        "two lengths",
        |s| {
            json_head(s, "Content-Length: 2\r\nContent-Length: 3\r\n");
            send(s, b"[] ");
        },
        &["reading", "failed"],
    ),
    (
        "chunks of nonsense",
        |s| {
            json_head(s, "Transfer-Encoding: chunked\r\n");
            send(s, b"zz\r\n[]\r\n0\r\n\r\n");
        },
        &["reading", "failed"],
    ),
    (
        "a chunk of all that there is",
        |s| {
            json_head(s, "Transfer-Encoding: chunked\r\n");
            send(s, b"fffffffffffffffff\r\n[]\r\n0\r\n\r\n");
        },
        &["reading", "failed"],
    ),
    (
        "another content type",
        |s| {
            head(
                s,
                "HTTP/1.1 200 OK\nContent-Type: text/\x1b[2Jhtml\nConnection: close\n\n\x1b[2J\u{202e}<p>welcome",
            );
        },
        &[""],
    ),
];

/// Tries each of the acts. Those that end with a time-out do so all at once, with
/// a short one.
fn each_act(check: impl Fn(&'static str, Act, &'static [&'static str], &str) + Send + Sync) {
    LazyLock::force(&GZIP_BOMB);
    let check = &check;
    thread::scope(|scope| {
        for (name, act, words) in ACTS
            .into_iter()
            .filter(|(name, _, words)| waits(name, words))
        {
            scope.spawn(move || check(name, act, words, "1"));
        }
    });
    for (name, act, words) in ACTS {
        if !waits(name, words) {
            check(name, act, words, "30");
        }
    }
}

#[test]
fn what_is_no_answer_is_an_error_of_one_line_in_every_program() {
    each_act(|name, act, words, timeout| {
        each(PROGRAMS, |program| {
            let wire = Wire::start(move |_, stream| act(stream));
            let attacked = attack(program, &wire.url, &["--timeout", timeout]);
            println!("{name}: {program}");
            attacked.assert_clear(1, words);
        });
    });
}

#[test]
fn data_that_is_no_answer_is_an_error_of_one_line_and_leaves_no_file() {
    let list = Arc::new(json!([test("0a")]).to_string());
    each_act(|name, act, words, timeout| {
        each(ASKERS, |program| {
            let list = Arc::clone(&list);
            let wire = Wire::start(move |head, stream| {
                let path = head.split([' ', '?']).nth(1);
                if path != Some(ROOT) {
                    return act(stream);
                }
                json_head(stream, "");
                let is_first = !head.contains("offset=");
                send(stream, if is_first { list.as_bytes() } else { b"[]" });
            });
            let attacked = attack(program, &wire.url, &["--timeout", timeout]);
            println!("{name}: {program}");
            attacked.assert_clear(1, words);
            assert!(attacked.told().contains("0a"), "{attacked:?}");
            assert_eq!(attacked.delivered(), "");
        });
    });
}
