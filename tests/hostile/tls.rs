//! Hosts that cannot prove who they are, and those that speak no TLS at all.

use std::io::Read as _;

use esmond_ps_tests::tls::TlsHost;
use esmond_ps_tests::wire::{Wire, send};

use crate::runs::{LOADER, PROGRAMS, READERS, ROOT, attack, each};

/// A name that hosts of tests have.
const NAME: &str = "127.0.0.1";

#[test]
fn a_host_that_cannot_prove_who_it_is_gets_nothing() {
    each(PROGRAMS, |program| {
        let directory = tempfile::tempdir().expect("a directory");
        let pem = directory.path().join("host.pem");
        let path = pem.to_str().expect("UTF-8").to_owned();
        for (name, year, trusted, words) in [
            (NAME, 2100, false, ""),
            ("other.example", 2100, true, "not valid for name"),
            (NAME, 2002, true, "expired"),
        ] {
            let host = TlsHost::start(name, year);
            std::fs::write(&pem, &host.pem).expect("a file");
            let mut more = vec!["--retries", "2"];
            if trusted {
                more.extend(["--cacert", &path]);
            }
            if program == LOADER {
                more.push("-v");
            }
            let attacked = attack(program, &host.url, &more);
            attacked.assert_clear(1, &["the certificate of", "is not trusted", words]);
            // A second look would see the same.
            assert!(!attacked.run.stderr.contains("again in"), "{attacked:?}");
        }
    });
}

#[test]
fn a_host_whose_certificate_is_trusted_is_read() {
    let host = TlsHost::start(NAME, 2100);
    let directory = tempfile::tempdir().expect("a directory");
    let pem = directory.path().join("host.pem");
    std::fs::write(&pem, &host.pem).expect("a file");
    let more = ["--cacert", pem.to_str().expect("UTF-8"), "-o", "json"];
    let attacked = attack(READERS[0], &host.url, &more);
    assert_eq!(attacked.run.stdout, "[]\n", "{attacked:?}");
}

#[test]
fn a_host_that_speaks_no_tls_is_an_error_of_one_line() {
    each(PROGRAMS, |program| {
        // HTTP in the clear, noise, an alert, nothing.
        for answer in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            &[0x16, 3, 3, 0xff, 0xff, 0, 1, 2, 3],
            &[0x15, 3, 3, 0, 2, 2, 40],
            &[],
        ] {
            let wire = Wire::start_blind(move |stream| {
                send(stream, answer);
                // The hello is read, or closing would be a reset.
                stream.shutdown(std::net::Shutdown::Write).ok();
                stream.read_to_end(&mut Vec::new()).ok();
            });
            let url = wire.url.replace("http:", "https:");
            attack(program, &url, &[]).assert_clear(1, &["cannot connect to"]);
        }
        // And a host that speaks nothing else.
        let host = TlsHost::start(NAME, 2100);
        let url = format!("{}{ROOT}", host.url.replace("https:", "http:"));
        attack(program, &url, &[]).assert_clear(1, &["reading", "failed"]);
    });
}
