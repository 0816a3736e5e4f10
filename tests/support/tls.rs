//! A host that speaks TLS and answers every request with an empty list.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A host, until the test ends.
#[derive(Debug)]
pub struct TlsHost {
    /// `https://127.0.0.1:PORT`.
    pub url: String,
    /// Its certificate, signed by itself, as PEM.
    pub pem: String,
}

impl TlsHost {
    /// Starts one with a certificate of this name, valid from 2001 until the first
    /// day of a year.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn start(name: &str, year: i32) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
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
                thread::spawn(move || answer(StreamOwned::new(connection, stream)));
            }
        });
        Self {
            url,
            pem: certificate.pem(),
        }
    }
}

fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>) {
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
}
