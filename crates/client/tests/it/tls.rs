use std::error::Error as _;

use esmond_ps_client::model::MetadataFilters;
use esmond_ps_client::{Archive, Error};
use futures_util::TryStreamExt;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;

use crate::server::{Reply, Server};

/// A host with a self-signed certificate; returns the certificate as PEM.
async fn host(name: &str, is_ca: IsCa) -> (Server, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = is_ca;
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
    let server = Server::start_tls(config, |_, _| Reply::json(&json!([]))).await;
    (server, certificate.pem())
}

async fn search(builder: esmond_ps_client::ArchiveBuilder) -> Result<(), Error> {
    let archive = builder.build()?;
    let tests = archive.metadata(&MetadataFilters::new());
    tests.try_collect::<Vec<_>>().await.map(|_| ())
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_at_once_and_clearly() {
    // DIFFERENCE: the originals do not look unless asked to.
    let (server, _) = host("127.0.0.1", IsCa::NoCa).await;
    let error = search(Archive::builder(server.url())).await.unwrap_err();
    assert!(error.is_certificate() && !error.is_transient(), "{error}");
    let url = format!("{}/esmond/perfsonar/archive/?limit=1000", server.url());
    assert_eq!(
        error.to_string(),
        format!("the certificate of {url} is not trusted")
    );
    assert!(error.source().is_some());
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_private_certificate_can_be_trusted() {
    // Many hosts mark their own certificate as an authority.
    let authority = IsCa::Ca(BasicConstraints::Unconstrained);
    for is_ca in [IsCa::NoCa, authority] {
        let (server, pem) = host("127.0.0.1", is_ca).await;
        search(Archive::builder(server.url()).ca_certificate(pem))
            .await
            .unwrap();
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn trusting_one_certificate_trusts_no_other_and_no_other_name() {
    let authority = IsCa::Ca(BasicConstraints::Unconstrained);
    for is_ca in [IsCa::NoCa, authority] {
        let (_, other) = host("127.0.0.1", is_ca).await;
        let (server, _) = host("127.0.0.1", is_ca).await;
        let error = search(Archive::builder(server.url()).ca_certificate(other)).await;
        assert!(error.unwrap_err().is_certificate());

        let (server, pem) = host("other.example", is_ca).await;
        let error = search(Archive::builder(server.url()).ca_certificate(pem)).await;
        assert!(error.unwrap_err().is_certificate());
    }
}

#[tokio::test]
async fn verification_can_be_switched_off() {
    let (server, _) = host("other.example", IsCa::NoCa).await;
    let builder = Archive::builder(server.url()).danger_accept_invalid_certs(true);
    search(builder).await.unwrap();
}

#[tokio::test]
async fn http_is_upgraded_to_https_of_the_same_host() {
    let (secure, pem) = host("127.0.0.1", IsCa::NoCa).await;
    let target = format!("{}/y", secure.url());
    let plain = Server::start(move |_, _| Reply::status(301).header("Location", &target)).await;
    let builder = Archive::builder(plain.url())
        .credentials(esmond_ps_client::Credentials::token("u", "s3cret"))
        .ca_certificate(pem);
    search(builder).await.unwrap();
    assert_eq!(secure.asked()[0].header("authorization"), None);
}
