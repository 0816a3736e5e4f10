//! TLS of the archive's own.

use std::path::{Path, PathBuf};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, Version};
use serde_json::Value;

use crate::process::{Server, add_user, point_to_point, run};

/// Writes a certificate for the loopback address and its key, and returns it
/// with both files.
fn certificate(directory: &Path, name: &str) -> (Certificate, PathBuf, PathBuf) {
    let names = vec!["127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let files = ["cert", "key"].map(|kind| directory.join(format!("{name}.{kind}.pem")));
    std::fs::write(&files[0], cert.pem()).unwrap();
    std::fs::write(&files[1], signing_key.serialize_pem()).unwrap();
    let [cert_file, key_file] = files;
    let trusted = Certificate::from_pem(cert.pem().as_bytes()).unwrap();
    (trusted, cert_file, key_file)
}

fn client(trusted: &Certificate, http1_only: bool) -> Client {
    // The second and later calls find it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .no_proxy()
        .tls_certs_only([trusted.clone()]);
    let builder = if http1_only {
        builder.http1_only()
    } else {
        builder
    };
    builder.build().unwrap()
}

fn start(data: &Path, cert: &Path, key: &Path) -> Server {
    let options = [
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    Server::start_with(data, &options)
}

// The clients answer the archive's goodbye while the test waits for its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_archive_speaks_https_and_its_addresses_say_so() {
    // DIFFERENCE: the original leaves this to its web server.
    let data = tempfile::tempdir().unwrap();
    let (trusted, cert, key_file) = certificate(data.path(), "a");
    let key = add_user(data.path(), "perfsonar");
    let server = start(data.path(), &cert, &key_file);
    assert!(
        server.url.starts_with("https://127.0.0.1:"),
        "{}",
        server.url
    );
    for http1_only in [true, false] {
        let client = client(&trusted, http1_only);
        let request = client.post(&server.url).json(&point_to_point());
        let request = request.header("authorization", format!("Token {key}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let version = if http1_only {
            Version::HTTP_11
        } else {
            Version::HTTP_2
        };
        assert_eq!(answer.version(), version);
        let record: Value = answer.json().await.unwrap();
        let url = record["url"].as_str().unwrap();
        assert!(url.starts_with(&server.url), "{url}");
        assert_eq!(client.get(url).send().await.unwrap().status(), 200);
    }
    // Somebody who speaks no TLS does not disturb.
    let plain = server.url.replace("https", "http");
    assert!(Client::new().get(plain).send().await.is_err());
    let client = client(&trusted, false);
    assert_eq!(client.get(&server.url).send().await.unwrap().status(), 200);
    let (status, log) = server.signal("-TERM");
    assert!(status.success() && log.contains("stopped"), "{log}");
    assert!(!log.contains("still under way"), "{log}");
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_at_a_hangup_and_a_broken_one_is_not() {
    let data = tempfile::tempdir().unwrap();
    let (old, cert, key) = certificate(data.path(), "used");
    let mut server = start(data.path(), &cert, &key);
    let works = async |trusted: &Certificate| {
        let request = client(trusted, false).get(&server.url);
        request.send().await.is_ok()
    };
    assert!(works(&old).await);
    let (new, new_cert, new_key) = certificate(data.path(), "new");
    assert!(!works(&new).await);
    std::fs::copy(&new_cert, &cert).unwrap();
    // Half of the renewal: certificate and key do not belong together.
    server.send("-HUP");
    server.wait_for("the certificate that was read before stays in use");
    let works = async |url: &str, trusted: &Certificate| {
        client(trusted, false).get(url).send().await.is_ok()
    };
    assert!(works(&server.url, &old).await);
    std::fs::copy(&new_key, &key).unwrap();
    server.wait_for("read again at SIGHUP");
    server.send("-HUP");
    server.wait_for("read again at SIGHUP");
    assert!(works(&server.url, &new).await);
    assert!(!works(&server.url, &old).await);
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_before_the_archive_listens() {
    let data = tempfile::tempdir().unwrap();
    let (_, cert, key) = certificate(data.path(), "a");
    let (_, other_cert, other_key) = certificate(data.path(), "b");
    let empty = data.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (cert, key, empty) = (path(&cert), path(&key), path(&empty));
    let (other_cert, other_key) = (path(&other_cert), path(&other_key));
    for (options, expected) in [
        (vec!["--tls-cert", &cert], vec!["--tls-key FILE"]),
        (vec!["--tls-key", &key], vec!["--tls-cert FILE"]),
        (
            vec!["--tls-cert", "/nonexistent/c", "--tls-key", &key],
            vec![
                "cannot read a certificate from /nonexistent/c",
                "No such file",
            ],
        ),
        (
            vec!["--tls-cert", &cert, "--tls-key", "/nonexistent/k"],
            vec![
                "cannot read an unencrypted key from /nonexistent/k",
                "No such file",
            ],
        ),
        (
            vec!["--tls-cert", &empty, "--tls-key", &key],
            vec![&empty, "no certificate"],
        ),
        (
            vec!["--tls-cert", &key, "--tls-key", &key],
            vec![&key, "no certificate"],
        ),
        (
            vec!["--tls-cert", &cert, "--tls-key", &cert],
            vec!["an unencrypted key", &cert],
        ),
        (
            vec!["--tls-cert", &cert, "--tls-key", &other_key],
            vec![&cert, &other_key, "cannot be used together"],
        ),
        (
            vec!["--tls-cert", &other_cert, "--tls-key", &key],
            vec![&other_cert, &key, "cannot be used together"],
        ),
    ] {
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0"];
        arguments.extend(&options);
        let output = run(data.path(), &arguments);
        // One without the other is a mistake on the command line.
        let expected_status = if options.len() == 2 { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(expected_status), "{options:?}");
        let notes = String::from_utf8(output.stderr).unwrap();
        for part in expected {
            assert!(notes.contains(part), "{options:?}: {notes}");
        }
        assert!(!notes.contains("listening"), "{notes}");
        assert!(!notes.contains("PRIVATE KEY"), "{notes}");
    }
}
