//! Hosts that cannot prove who they are, and those that speak no TLS at all.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use esmond_ps_tests::wire::{Wire, send};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::runs::{LOADER, PROGRAMS, READERS, ROOT, attack, each};

/// What a host shows.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Own,
    OfAnother,
    Expired,
}

/// Starts a host that answers an empty list; returns its address and its
/// certificate as PEM.
fn host(shown: Shown) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let name = if shown == Shown::OfAnother {
        "other.example"
    } else {
        "127.0.0.1"
    };
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    if shown == Shown::Expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    let certificate = params.self_signed(&key).expect("a certificate");
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            thread::spawn(move || {
                let mut stream = StreamOwned::new(connection, stream);
                let mut head = Vec::new();
                let mut bytes = [0; 1024];
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut bytes) {
                        Ok(count) if count > 0 => head.extend(&bytes[..count]),
                        _ => return,
                    }
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                    Content-Length: 2\r\nConnection: close\r\n\r\n[]";
                stream.write_all(answer).ok();
                stream.flush().ok();
            });
        }
    });
    (url, certificate.pem())
}

#[test]
fn a_host_that_cannot_prove_who_it_is_gets_nothing() {
    each(PROGRAMS, |program| {
        let directory = tempfile::tempdir().expect("a directory");
        let pem = directory.path().join("host.pem");
        let path = pem.to_str().expect("UTF-8").to_owned();
        for (shown, trusted, words) in [
            (Shown::Own, false, ""),
            (Shown::OfAnother, true, "not valid for name"),
            (Shown::Expired, true, "expired"),
        ] {
            let (url, certificate) = host(shown);
            std::fs::write(&pem, certificate).expect("a file");
            let mut more = vec!["--retries", "2"];
            if trusted {
                more.extend(["--cacert", &path]);
            }
            if program == LOADER {
                more.push("-v");
            }
            let attacked = attack(program, &url, &more);
            attacked.assert_clear(1, &["the certificate of", "is not trusted", words]);
            // A second look would see the same.
            assert!(!attacked.run.stderr.contains("again in"), "{attacked:?}");
        }
    });
}

#[test]
fn a_host_whose_certificate_is_trusted_is_read() {
    let (url, certificate) = host(Shown::Own);
    let directory = tempfile::tempdir().expect("a directory");
    let pem = directory.path().join("host.pem");
    std::fs::write(&pem, certificate).expect("a file");
    let more = ["--cacert", pem.to_str().expect("UTF-8"), "-o", "json"];
    let attacked = attack(READERS[0], &url, &more);
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
        let (url, _) = host(Shown::Own);
        let url = format!("{}{ROOT}", url.replace("https:", "http:"));
        attack(program, &url, &[]).assert_clear(1, &["reading", "failed"]);
    });
}
