//! Redirects: nobody is sent anywhere else, and least of all with credentials.

use esmond_ps_tests::wire::{Wire, json_head, send};
use serde_json::json;

use crate::runs::{ASKERS, KEY, LOADER, PIPE, PROGRAMS, ROOT, attack, each, test};

fn redirect(location: &str) -> String {
    format!(
        "HTTP/1.1 307 Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

#[test]
fn a_redirect_to_somewhere_else_is_not_followed() {
    each(PROGRAMS, |program| {
        let other = Wire::start(|_, stream| {
            json_head(stream, "");
            send(stream, b"[]");
        });
        let port = other.url.rsplit(':').next().expect("a port").to_owned();
        for location in [
            // Another port, another host, both with the path of the archive.
            format!("{}{ROOT}", other.url),
            format!("http://localhost:{port}{ROOT}"),
            format!("//127.0.0.1:{port}{ROOT}"),
            format!("http://tester:{KEY}x@127.0.0.1:{port}/"),
            "http://nowhere.invalid/\u{1b}[2J".to_owned(),
            "ftp://127.0.0.1/".to_owned(),
            "file:///etc/passwd".to_owned(),
            "javascript:alert(1)".to_owned(),
        ] {
            let answer = redirect(&location);
            let wire = Wire::start(move |_, stream| {
                send(stream, answer.as_bytes());
            });
            let attacked = attack(program, &wire.url, &[]);
            // An address that is none is no redirect.
            let words: &[&str] = if location.contains('\u{1b}') {
                &[]
            } else {
                &["redirect"]
            };
            attacked.assert_clear(1, words);
            assert_eq!(wire.heads().len(), 1, "{program} {location}");
        }
        assert_eq!(other.heads(), [""; 0], "{program}");
    });
}

#[test]
fn a_redirect_that_leads_back_ends() {
    each(PROGRAMS, |program| {
        let wire = Wire::start(|_, stream| {
            send(stream, redirect(ROOT).as_bytes());
        });
        attack(program, &wire.url, &[]).assert_clear(1, &["redirect", "too many"]);
        assert_eq!(wire.heads().len(), 6);
        // And one that always leads on.
        let wire = Wire::start(|head, stream| {
            let path = head.split([' ', '?']).nth(1).unwrap_or_default();
            send(stream, redirect(&format!("{path}x/")).as_bytes());
        });
        attack(program, &wire.url, &[]).assert_clear(1, &["redirect", "too many"]);
    });
}

#[test]
fn what_was_posted_is_stored_only_where_it_was_sent() {
    // To another place on the same host: who knows what is there.
    for program in [LOADER, PIPE] {
        let wire = Wire::start(|head, stream| {
            if head.contains("elsewhere") {
                json_head(stream, "");
                send(stream, test("0a").to_string().as_bytes());
            } else {
                send(stream, redirect("/elsewhere").as_bytes());
            }
        });
        attack(program, &wire.url, &[]).assert_clear(1, &["redirect", "/elsewhere"]);
    }
}

#[test]
fn addresses_of_series_that_lead_elsewhere_are_not_asked() {
    each(ASKERS, |program| {
        let other = Wire::start(|_, _| ());
        let port = other.url.rsplit(':').next().expect("a port").to_owned();
        for address in [
            format!("{}/x", other.url),
            format!("//localhost:{port}/x"),
            "https://127.0.0.1/x".to_owned(),
            "file:///etc/passwd".to_owned(),
            "http://[::1".to_owned(),
            format!("/{}", "x".repeat(10_000_000)),
            String::new(),
        ] {
            let mut test = test("0a");
            test["event-types"][0]["base-uri"] = json!(address);
            let list = json!([test]).to_string();
            let wire = Wire::start(move |head, stream| {
                json_head(stream, "");
                let is_first = !head.contains("offset=");
                send(stream, if is_first { list.as_bytes() } else { b"[]" });
            });
            attack(program, &wire.url, &[]).assert_clear(1, &["gives the address"]);
            assert!(wire.heads().iter().all(|head| head.contains(ROOT)));
        }
        assert_eq!(other.heads(), [""; 0], "{program}");
    });
}
