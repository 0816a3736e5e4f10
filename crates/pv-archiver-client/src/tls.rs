//! Whom to trust, where a server is behind a proxy that speaks https.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::error::BoxedError;
use crate::{Error, Result};

/// Returns the settings of TLS connections: certificates are verified against the
/// roots of the system and those of `authorities`, PEM texts, or not at all.
pub(crate) fn config(authorities: &[Vec<u8>], accept_invalid: bool) -> Result<ClientConfig> {
    let mut roots = Vec::new();
    for pem in authorities {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.push(certificate.map_err(|error| authority(error.into()))?);
        }
        if roots.len() == before {
            return Err(authority("there is no PEM certificate in it".into()));
        }
    }
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if accept_invalid {
        Arc::new(AcceptAll {
            provider: provider.clone(),
        })
    } else if roots.is_empty() {
        let system = OnceLock::new();
        Arc::new(SystemRoots {
            system,
            provider: provider.clone(),
        })
    } else {
        let verifier = Verifier::new_with_extra_roots(roots, provider.clone());
        Arc::new(verifier.map_err(|error| authority(error.into()))?)
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setting {
            setting: "the TLS configuration",
            source: Some(error.into()),
        })?;
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn authority(source: BoxedError) -> Error {
    Error::Setting {
        setting: "the CA certificate",
        source: Some(source),
    }
}

/// Verifies nothing at all.
#[derive(Debug)]
struct AcceptAll {
    provider: Arc<CryptoProvider>,
}

/// Verifies against the roots of the system, which are read when the first certificate
/// comes: it takes long, and most servers speak plain HTTP.
#[derive(Debug)]
struct SystemRoots {
    system: OnceLock<Result<Verifier, rustls::Error>>,
    provider: Arc<CryptoProvider>,
}

impl AcceptAll {
    fn judge(&self, _: &Shown<'_>) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
}

impl SystemRoots {
    fn judge(&self, shown: &Shown<'_>) -> Result<ServerCertVerified, rustls::Error> {
        let system = self
            .system
            .get_or_init(|| Verifier::new(self.provider.clone()));
        let verifier = system.as_ref().map_err(Clone::clone)?;
        verifier.verify_server_cert(
            shown.end_entity,
            shown.intermediates,
            shown.server_name,
            shown.ocsp_response,
            shown.now,
        )
    }
}

/// What a host shows of itself.
struct Shown<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    server_name: &'a ServerName<'a>,
    ocsp_response: &'a [u8],
    now: UnixTime,
}

/// Makes a verifier of a type that has a `judge` for certificates, and leaves the
/// signatures to its `provider`.
macro_rules! verifier {
    ($name:ident) => {
        impl ServerCertVerifier for $name {
            fn verify_server_cert(
                &self,
                end_entity: &CertificateDer<'_>,
                intermediates: &[CertificateDer<'_>],
                server_name: &ServerName<'_>,
                ocsp_response: &[u8],
                now: UnixTime,
            ) -> Result<ServerCertVerified, rustls::Error> {
                self.judge(&Shown {
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
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
    };
}

verifier!(AcceptAll);
verifier!(SystemRoots);

#[cfg(test)]
mod tests {
    use super::config;
    use std::error::Error as _;

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        let error = config(&[b"not a certificate".to_vec()], false).unwrap_err();
        assert_eq!(error.to_string(), "the CA certificate cannot be used");
        assert!(error.source().unwrap().to_string().contains("PEM"));
    }
}
