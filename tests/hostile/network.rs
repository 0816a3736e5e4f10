//! Faults of the network: each is repeated as often as was asked for, then told,
//! and what could not be stored is stored later, once.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use esmond_ps_tests::tools::skipped;
use esmond_ps_tests::wire::{Wire, json_head, send, wait_for_ever};
use serde_json::json;

use crate::runs::{
    CHECK, LOADER, PIPE, PROGRAMS, READERS, attack, attack_with, each, run_in, test,
};
use crate::site::{Site, lines};

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// How often a run says that it tries again.
fn repeats(stderr: &str) -> usize {
    let said = |line: &&str| line.contains("[again in") || line.contains("again in");
    stderr.lines().filter(said).count()
}

/// Reads a part of a request only, and answers this: closing with something unread
/// resets the connection.
fn reset_after(answer: &'static [u8]) -> impl Fn(&mut TcpStream) + Send + Sync {
    move |stream| {
        stream.read_exact(&mut [0; 1]).ok();
        send(stream, answer);
    }
}

const HALF_A_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: appl";
const HALF_A_BODY: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n[{\"meta";

#[test]
fn a_connection_that_is_refused_or_reset_is_tried_again_and_then_told() {
    each(PROGRAMS, |program| {
        let more = ["--retries", "1", "-v"];
        let attacked = attack(program, &nobody(), &more);
        attacked.assert_clear(1, &["cannot connect to", "refused"]);
        assert_eq!(repeats(&attacked.run.stderr), 1, "{attacked:?}");
        for answer in [&[][..], HALF_A_HEAD, HALF_A_BODY] {
            let wire = Wire::start_blind(reset_after(answer));
            let attacked = attack(program, &wire.url, &more);
            attacked.assert_clear(1, &["reading", "failed"]);
            assert_eq!(wire.heads().len(), 2, "{program}");
            assert_eq!(repeats(&attacked.run.stderr), 1, "{attacked:?}");
        }
    });
}

#[test]
fn a_host_that_accepts_and_never_answers_is_tried_again_and_then_told() {
    each(PROGRAMS, |program| {
        let wire = Wire::start_blind(wait_for_ever);
        let attacked = attack(program, &wire.url, &["--retries", "1", "--timeout", "1"]);
        attacked.assert_clear(1, &["no data from", "within 1 s"]);
        assert_eq!(wire.heads().len(), 2);
        // Nor does it answer with TLS.
        let url = wire.url.replace("http:", "https:");
        attack(program, &url, &["--timeout", "1"]).assert_clear(1, &["no data from"]);
    });
}

#[test]
fn a_fault_that_passes_is_no_failure() {
    each(READERS, |program| {
        for answer in [
            &[][..],
            HALF_A_HEAD,
            HALF_A_BODY,
            b"HTTP/1.1 503 X\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
        ] {
            let connections = AtomicUsize::new(0);
            let wire = Wire::start(move |_, stream| {
                if connections.fetch_add(1, Ordering::SeqCst) == 0 {
                    send(stream, answer);
                } else {
                    json_head(stream, "");
                    send(stream, b"[]");
                }
            });
            let attacked = attack(program, &wire.url, &["--retries", "1"]);
            assert_eq!(attacked.run.status, Some(0), "{attacked:?}");
        }
    });
}

#[test]
fn a_fault_that_does_not_pass_is_not_tried_again() {
    each(PROGRAMS, |program| {
        for answer in [
            "HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\nx",
        ] {
            let wire = Wire::start(move |_, stream| {
                send(stream, answer.as_bytes());
            });
            attack(program, &wire.url, &["--retries", "2"]).assert_clear(1, &[]);
            // Of a refused search the kind of the archive is asked for, too.
            let most = match program {
                "esmond-ps-get" | CHECK => 2,
                _ => 1,
            };
            assert!(
                (1..=most).contains(&wire.heads().len()),
                "{program} {answer}"
            );
        }
    });
}

#[test]
fn a_wish_to_come_back_later_is_heard_and_bounded() {
    // A day is not waited for; two minutes would be, but not without retries.
    each(PROGRAMS, |program| {
        let wire = Wire::start(|_, stream| {
            send(
                stream,
                b"HTTP/1.1 429 X\r\nRetry-After: 86400\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        });
        attack(program, &wire.url, &[]).assert_clear(1, &["429"]);
    });
}

#[test]
fn a_name_that_is_not_known_is_told() {
    // Reserved for names that do not exist. Where no name service answers, the
    // program's own time-out ends it.
    each(PROGRAMS, |program| {
        let attacked = attack(program, "http://archive.invalid", &[]);
        let is_told = ["cannot connect to", "no data from"]
            .iter()
            .any(|words| attacked.told().contains(words));
        assert!(is_told, "{attacked:?}");
        attacked.assert_clear(1, &["archive.invalid"]);
    });
}

#[test]
fn a_name_service_that_does_not_answer_holds_nobody_up() {
    // Where nobody may say what the name service is, this cannot be tried; that a
    // stuck lookup is left alone is a test of the runtime, too.
    let Ok(silent) = UdpSocket::bind("127.77.53.53:53") else {
        skipped("the port of name services is not for us");
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    // All attempts together take longer than any test may.
    std::fs::write(
        path("resolv.conf"),
        "nameserver 127.77.53.53\noptions timeout:30 attempts:5\n",
    )
    .expect("a file");
    let resolv = path("resolv.conf").display().to_string();
    let script = format!("mount --bind {resolv} /etc/resolv.conf && exec \"$@\"");
    std::fs::write(path("within"), script).expect("a file");
    let within = format!("unshare -m sh {}", path("within").display());
    let tried = std::process::Command::new("sh")
        .args(["-c", &format!("{within} true")])
        .output();
    if !tried.is_ok_and(|output| output.status.success()) {
        skipped("the name service cannot be changed here");
        return;
    }
    each(PROGRAMS, |program| {
        let attacked = attack_with(
            program,
            "http://archive.invalid",
            &["--timeout", "1"],
            |command| {
                command.env("WITHIN", &within);
            },
        );
        attacked.assert_clear(1, &["no data from", "within 1 s"]);
    });
    let asked = silent
        .set_nonblocking(true)
        .and_then(|()| silent.recv(&mut [0; 512]));
    assert!(asked.is_ok(), "it was asked");
}

#[test]
fn a_proxy_that_is_broken_is_told() {
    each(PROGRAMS, |program| {
        let archive = Wire::start(|_, stream| {
            json_head(stream, "");
            send(stream, b"[]");
        });
        let with_proxy = |proxy: &str, url: &str| {
            attack_with(program, url, &[], |command| {
                command.env_remove("NO_PROXY").env_remove("no_proxy");
                for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"] {
                    command.env(name, proxy);
                }
            })
        };
        // Nobody there: not the archive is at fault, and that is said.
        let attacked = with_proxy(&nobody(), &archive.url);
        attacked.assert_clear(1, &["cannot connect to", "refused"]);
        assert!(attacked.run.stderr.contains("proxy"), "{attacked:?}");
        // One that does not like us, and one that is none.
        let refusing = Wire::start(|_, stream| {
            send(
                stream,
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        });
        with_proxy(&refusing.url, &archive.url).assert_clear(1, &["407"]);
        let secure = archive.url.replace("http:", "https:");
        let attacked = with_proxy(&refusing.url, &secure);
        attacked.assert_clear(1, &["cannot connect to"]);
        assert!(!attacked.told().contains("Token"));
        let noise = Wire::start_blind(|stream| {
            send(stream, b"\x1b[2Jnoise\n");
            stream.shutdown(Shutdown::Write).ok();
            stream.read_to_end(&mut Vec::new()).ok();
        });
        with_proxy(&noise.url, &secure).assert_clear(1, &["cannot connect to"]);
        // Nothing of this has reached the archive, or gone round the proxy.
        assert_eq!(archive.heads(), [""; 0], "{program}");
    });
}

/// Passes connections on to an archive, and cuts each off in the archive's answer:
/// later every time, so that some day all get through.
fn cutting(archive: &str, step: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let archive = archive.trim_start_matches("http://").to_owned();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            let mut server = TcpStream::connect(&archive).expect("the archive");
            let (mut from, mut to) = (
                client.try_clone().expect("a stream"),
                server.try_clone().expect("a stream"),
            );
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || {
                let mut part = (&mut server).take(u64::try_from(number * step).expect("a number"));
                let mut bytes = [0; 64];
                while let Ok(count) = part.read(&mut bytes)
                    && count > 0
                    && client.write_all(&bytes[..count]).is_ok()
                {}
                client.shutdown(Shutdown::Both).ok();
                server.shutdown(Shutdown::Both).ok();
            });
        }
    });
    (url, connections)
}

#[test]
fn a_log_is_stored_once_however_often_the_network_breaks() {
    let site = Site::new(&lines(0..20));
    let (url, connections) = cutting(&site.archive.url, 23);
    let mut runs = 0;
    loop {
        let run = site.run(&["-U", &url, "--retries", "0"]);
        runs += 1;
        if run.status == Some(0) {
            break;
        }
        assert_eq!(run.status, Some(1), "{run:?}");
        assert!(runs < 500, "{run:?}");
    }
    assert!(runs > 3 && connections.load(Ordering::SeqCst) >= runs);
    site.assert_holds(0..20);
}

#[test]
fn what_an_archive_that_was_away_did_not_get_it_gets_later_once() {
    let mut site = Site::new(&lines(0..10));
    site.load();
    site.append("g.log", &lines(10..30));
    site.archive.kill();
    for _ in 0..2 {
        let run = site.run(&["--retries", "1"]);
        assert_eq!(run.status, Some(1), "{run:?}");
        assert!(run.stderr.contains("cannot connect to"), "{run:?}");
        assert!(!run.stderr.contains(&site.archive.key));
    }
    site.archive.revive();
    site.load();
    site.assert_holds(0..30);
    let before = site.snapshot();
    site.load();
    assert_eq!(site.snapshot(), before);
}

#[test]
fn a_test_that_was_piped_into_a_broken_network_is_kept_and_stored_later_once() {
    let site = Site::new("");
    let directory = tempfile::tempdir().expect("a directory");
    let (url, _) = cutting(&site.archive.url, 23);
    let more = ["-k", &site.archive.key];
    let mut runs = 0;
    let run = loop {
        let run = run_in(directory.path(), PIPE, &url, &more, |_| ());
        runs += 1;
        if run.status == Some(0) {
            break run;
        }
        assert!(run.status == Some(1) && runs < 200, "{run:?}");
    };
    assert!(runs > 2, "{run:?}");
    let kept = std::fs::read_to_string(directory.path().join("failed")).expect("a file");
    let kept = serde_json::Deserializer::from_str(&kept).into_iter::<serde_json::Value>();
    assert_eq!(kept.filter_map(Result::ok).count(), runs - 1);
    assert_eq!(site.keys().len(), 1);
    assert_eq!(site.stored("throughput").len(), 1);
}

#[test]
fn an_archive_that_takes_a_record_and_then_says_nonsense_is_asked_again() {
    // The answer to the metadata is right, that to the data is not.
    for program in [LOADER, PIPE] {
        let wire = Wire::start(|head, stream| {
            json_head(stream, "");
            if head.starts_with("POST") {
                send(stream, json!(test("0a")).to_string().as_bytes());
            } else {
                send(stream, b"\x00");
            }
        });
        let attacked = attack(program, &wire.url, &[]);
        assert!(matches!(attacked.run.status, Some(0 | 1)), "{attacked:?}");
        attacked.assert_harmless();
    }
}
