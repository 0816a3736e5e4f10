//! Servers behind a proxy: https, and a prefix of the path.

use pv_archiver_client::{AdminClient, ArchiveClient, Connection, Error};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;

use crate::server::{Reply, Server};

/// A host with a self-signed certificate; returns the certificate as PEM.
async fn host() -> (Server, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let server = Server::start_tls(config, |asked, _| {
        let is_list = asked.target.contains("archive-access");
        Reply::json(if is_list { "[]" } else { r#"{"servers":[]}"# })
    })
    .await;
    (server, certificate.pem())
}

#[tokio::test]
async fn a_base_url_behind_a_proxy_is_used_as_it_is() {
    let (server, pem) = host().await;
    let connection = Connection::default().ca_certificate(pem);
    let base = format!("{}/pv/one/", server.url);
    AdminClient::new(&base, &connection)
        .unwrap()
        .cluster_status()
        .await
        .unwrap();
    ArchiveClient::new(&base, &connection)
        .unwrap()
        .archives()
        .await
        .unwrap();
    let targets: Vec<String> = server
        .asked()
        .into_iter()
        .map(|asked| asked.target)
        .collect();
    assert_eq!(
        targets,
        [
            "/pv/one/admin/api/1.0/cluster-status/",
            "/pv/one/archive-access/api/1.0/archive/"
        ]
    );
}

#[tokio::test]
async fn certificates_are_verified_unless_that_is_switched_off() {
    let (server, _) = host().await;
    let client = ArchiveClient::new(&server.url, &Connection::default()).unwrap();
    let error = client.archives().await.unwrap_err();
    assert!(matches!(error, Error::Certificate { .. }), "{error:?}");
    assert!(server.asked().is_empty());

    let careless = Connection::default().danger_accept_invalid_certs(true);
    let client = ArchiveClient::new(&server.url, &careless).unwrap();
    client.archives().await.unwrap();
}
