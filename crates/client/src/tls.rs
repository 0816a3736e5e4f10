//! Whom to trust.
//!
//! Certificates are verified against the roots of the system. Measurement
//! hosts mostly have self-signed ones, so private certificates can be trusted
//! in addition, and verification can be switched off.
//!
//! DIFFERENCE: the originals verify certificates only when asked to
//! (`--ssl-verify`).

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::{Error, Result};

/// Reads the certificates of a PEM text.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let refused = |source| Error::Setting {
        setting: "the CA certificate",
        source,
    };
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| refused(Some(error.into())))?;
    if certificates.is_empty() {
        return Err(refused(Some("there is no PEM certificate in it".into())));
    }
    Ok(certificates)
}

/// Returns the settings of TLS connections.
pub(crate) fn config(
    trusted: Vec<CertificateDer<'static>>,
    accept_invalid: bool,
) -> Result<ClientConfig> {
    let refused = |source: rustls::Error| Error::Setting {
        setting: "the TLS configuration",
        source: Some(source.into()),
    };
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if accept_invalid {
        Arc::new(AcceptAll(provider.clone()))
    } else {
        Arc::new(Verifier::new(trusted, provider.clone())?)
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Verifies against the system's roots and the certificates trusted in
/// addition.
#[derive(Debug)]
struct Verifier {
    /// An error when the system has no roots and none were added: it matters
    /// only once a certificate is to be verified.
    roots: Result<rustls_platform_verifier::Verifier, rustls::Error>,
    trusted: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(trusted: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Self> {
        let roots = if trusted.is_empty() {
            rustls_platform_verifier::Verifier::new(provider.clone())
        } else {
            let roots = rustls_platform_verifier::Verifier::new_with_extra_roots(
                trusted.iter().cloned(),
                provider.clone(),
            );
            Ok(roots.map_err(|source| Error::Setting {
                setting: "the CA certificate",
                source: Some(source.into()),
            })?)
        };
        Ok(Self {
            roots,
            trusted,
            provider,
        })
    }

    /// Tells whether a host shows exactly a certificate that was trusted by
    /// name. Many self-signed certificates of hosts are marked as authorities,
    /// and are therefore refused as certificates of a host; but trusting that
    /// very certificate is what was asked for. Its dates have been checked
    /// before that mark is looked at.
    fn is_trusted_itself(
        &self,
        certificate: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        error: &rustls::Error,
    ) -> bool {
        matches!(
            error,
            rustls::Error::InvalidCertificate(CertificateError::Other(_))
        ) && self.trusted.iter().any(|trusted| trusted == certificate)
            && ParsedCertificate::try_from(certificate)
                .is_ok_and(|parsed| verify_server_name(&parsed, server_name).is_ok())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let roots = self.roots.as_ref().map_err(Clone::clone)?;
        roots
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .or_else(|error| {
                if self.is_trusted_itself(end_entity, server_name, &error) {
                    Ok(ServerCertVerified::assertion())
                } else {
                    Err(error)
                }
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Verifies nothing at all.
#[derive(Debug)]
struct AcceptAll(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::certificates;
    use std::error::Error as _;

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        let error = certificates(b"not a certificate").unwrap_err();
        assert_eq!(error.to_string(), "the CA certificate cannot be used");
        assert!(error.source().unwrap().to_string().contains("PEM"));
    }
}
