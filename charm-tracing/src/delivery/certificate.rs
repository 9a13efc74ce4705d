use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

#[cfg(feature = "tls")]
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tracing_relation::is_plain_path;
#[cfg(feature = "tls")]
use tracing_relation::read_regular_file;

#[cfg(feature = "tls")]
use super::client_certificate::{ClientCertificate, Pem};
#[cfg(feature = "tls")]
use super::{pem, system_store};

/// The CA certificates to trust when the endpoint is `https`: one or more.
///
/// Each is a trust anchor of its own, so an intermediate authority works as well as a root. Nothing is read before
/// there is something to send to an `https` endpoint.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificate {
    /// The absolute path of a file with certificates in PEM.
    File(PathBuf),
    /// Certificates in PEM, the text itself.
    Pem(String),
    /// The certificates that the system trusts, for a backend whose certificate a public authority has signed. They are
    /// in the file `SSL_CERT_FILE` and the directories `SSL_CERT_DIR` if the environment names any (Juju's does not),
    /// else where Linux distributions keep them, such as `/etc/ssl/certs`.
    ///
    /// The machine or container of the charm must have such a store; on Kubernetes, a charm container has that of its
    /// base image.
    System,
}

/// The reason why a certificate cannot be used. The traces wait until it can be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The path is relative, or the text is neither PEM nor a path. A charm's working directory is not what its author
    /// expects, so only absolute paths are accepted. The text is not repeated, because it may be a private key.
    #[error("the certificate is neither a text in PEM nor the absolute path of a file with one")]
    NotAPath,
    /// The file is missing, not a regular one, larger than 1 MiB, or not readable.
    #[error("cannot read the certificate {}", path.display())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// There is no certificate in PEM in it.
    #[error("{from} holds no certificate in PEM")]
    NotPem {
        /// The file, or "the given text".
        from: String,
    },
    /// The charm's own certificate for a backend that asks for one cannot be used.
    #[error("cannot use the client certificate")]
    ClientCertificate {
        /// The fault in it.
        source: Box<CertificateError>,
    },
    /// The private key of the charm's own certificate cannot be used.
    #[error("cannot use the private key of the client certificate: {reason}")]
    PrivateKey {
        /// The fault in it, without any of its contents.
        reason: String,
        /// The error of the operating system or the TLS library, if there was one.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The TLS library refuses what was found.
    #[error("the certificates cannot be used")]
    Unusable {
        /// The error of the TLS library.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The system trusts no certificate, or its store cannot be read.
    #[error("the system's certificate store holds no certificate")]
    EmptySystemStore {
        /// The first error, if there was one.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

#[cfg(feature = "tls")]
impl Certificate {
    /// Reads all certificates that can be trusted, at least one.
    pub(super) fn read(&self) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
        match self {
            Self::Pem(text) => in_pem(text.as_bytes(), || "the given text".to_owned()),
            Self::File(path) if !is_plain_path(path) => Err(CertificateError::NotAPath),
            Self::File(path) => {
                let unreadable = |source| CertificateError::Unreadable { path: path.clone(), source };
                in_pem(&read_regular_file(path, LARGEST).map_err(unreadable)?, || path.display().to_string())
            }
            Self::System => {
                let (mut found, error) = system_store::read();
                found.retain(is_anchor);
                let source = error.map(Into::into);
                if found.is_empty() { Err(CertificateError::EmptySystemStore { source }) } else { Ok(found) }
            }
        }
    }
}

/// Reads the certificates that the charm shows.
#[cfg(feature = "tls")]
pub(super) fn chain_of(own: &ClientCertificate) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let chain = match &own.chain {
        Pem::File(path) => Certificate::File(path.clone()),
        Pem::Text(text) => Certificate::Pem(text.clone()),
    };
    chain.read().map_err(|source| CertificateError::ClientCertificate { source: Box::new(source) })
}

/// Reads the key with which the charm proves that the certificate is its own.
#[cfg(feature = "tls")]
pub(super) fn key_of(own: &ClientCertificate) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let refused = |reason: String| CertificateError::PrivateKey { reason, source: None };
    let (from, key) = match &own.key {
        Pem::Text(text) => ("the given text".to_owned(), pem::private_key(text.as_bytes())),
        Pem::File(path) if !is_plain_path(path) => {
            return Err(refused(
                "it is neither a text in PEM nor the absolute path of a file with one".to_owned(),
            ));
        }
        Pem::File(path) => {
            let unreadable = |source: io::Error| CertificateError::PrivateKey {
                reason: format!("cannot read {}", path.display()),
                source: Some(source.into()),
            };
            let text = read_regular_file(path, LARGEST).map_err(unreadable)?;
            (path.display().to_string(), pem::private_key(&text))
        }
    };
    key.ok_or_else(|| refused(format!("{from} holds no private key in PEM that is not encrypted")))
}

/// Shows no PEM text, because it is long and may hold a private key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) if is_plain_path(path) => f.debug_tuple("File").field(path).finish(),
            Self::File(path) => write!(f, "File({} bytes)", path.as_os_str().len()),
            Self::Pem(text) => write!(f, "Pem({} bytes)", text.len()),
            Self::System => f.write_str("System"),
        }
    }
}

/// Finds the certificates in a bundle. Skips other content, such as a key, text, or a certificate that cannot be
/// decoded.
#[cfg(feature = "tls")]
fn in_pem(
    text: &[u8],
    from: impl FnOnce() -> String,
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let mut found = pem::certificates(text);
    found.retain(is_anchor);
    if found.is_empty() { Err(CertificateError::NotPem { from: from() }) } else { Ok(found) }
}

#[cfg(feature = "tls")]
fn is_anchor(certificate: &CertificateDer<'static>) -> bool {
    rustls::RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// The largest file with certificates, in bytes. A system's whole bundle has about a quarter of this.
#[cfg(feature = "tls")]
const LARGEST: u64 = 1 << 20;
