//! The archive's own TLS: a certificate and its key, read from files.
//!
//! TLS 1.2 and 1.3; HTTP/2 and HTTP/1.1 are offered by ALPN. Clients show no
//! certificates.
//!
//! DIFFERENCE: the original leaves this to its web server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM.
    #[error("cannot read {what} from {}", file.display())]
    Read {
        /// What was sought, such as `a certificate`.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        source: pem::Error,
    },
    /// The file with the certificate holds none.
    #[error("{} holds no certificate (a PEM block CERTIFICATE)", .0.display())]
    NoCertificate(PathBuf),
    /// Certificate and key do not belong together, or one of them is of a kind
    /// that is not supported.
    #[error("the certificate {} and the key {} cannot be used together", certificate.display(), key.display())]
    Unusable {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// The cause.
        source: rustls::Error,
    },
}

/// A certificate (with those of its issuers after it) and its key, which can be
/// read again while connections are taken.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads both from PEM files. One file may hold both.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or holds something else, and when the key is
    /// not that of the certificate.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            current: RwLock::new(Arc::new(read(certificate, key)?)),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Reads both files again, for new connections.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); then what was read before stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = Arc::new(read(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What a new connection is to use.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let cannot_read = |what: &'static str, file: &Path| {
        let file = file.to_owned();
        move |source| TlsError::Read { what, file, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(cannot_read("a certificate", certificate))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(certificate.to_owned()));
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(cannot_read("an unencrypted key", key))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, secret)
        });
    let mut config = config.map_err(|source| TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
