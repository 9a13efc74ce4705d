use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

use tracing_relation::is_plain_path;

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

/// The certificate with which the charm identifies itself to a backend that asks for one (mutual TLS): see
/// [`Destination::client_certificate`](super::Destination::client_certificate). A charm with `#[trace_charm]` names it as
/// `client_cert` and `client_key`.
///
/// Nothing is read before there is something to send to an `https` endpoint, and it is read each time, so a certificate may be
/// renewed at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    pub(super) chain: Pem,
    pub(super) key: Pem,
}

/// The place of certificates or of a private key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pem {
    /// The absolute path of a file in PEM.
    File(PathBuf),
    /// The PEM text itself.
    Text(String),
}

impl ClientCertificate {
    /// Makes a client certificate. `chain` has the charm's own certificate first, then those between it and an
    /// authority that the backend trusts, if any. `key` is the private key of the charm's own certificate, in PKCS #8,
    /// PKCS #1 (RSA) or SEC 1 (elliptic curves), not encrypted. Both may be in one file, of which the first key counts.
    ///
    /// ```
    /// use charm_tracing::{Certificate, ClientCertificate, Destination, Pem};
    ///
    /// let own = ClientCertificate::new(
    ///     Pem::File("/etc/my-charm/client.crt".into()),
    ///     Pem::File("/etc/my-charm/client.key".into()),
    /// );
    /// let authority = Certificate::File("/etc/my-charm/ca.crt".into());
    /// let destination = Destination::new("https://tempo:4318", Some(authority)).client_certificate(own);
    /// ```
    #[must_use]
    pub fn new(chain: Pem, key: Pem) -> Self {
        Self { chain, key }
    }
}

/// The reason why a certificate or a private key cannot be used. The traces wait until it can be.
///
/// Its text shows nothing of a PEM text, and no path that is not absolute, because that may be a private key.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CertificateError {
    pub(super) message: String,
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

#[cfg(feature = "tls")]
impl CertificateError {
    pub(super) fn new(message: impl Into<String>, source: Option<Box<dyn Error + Send + Sync>>) -> Self {
        Self { message: message.into(), source }
    }
}

/// Shows no PEM text, because it is long and may hold a private key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => show_path(path, f),
            Self::Pem(text) => write!(f, "Pem({} bytes)", text.len()),
            Self::System => f.write_str("System"),
        }
    }
}

/// Shows no PEM text, because it may be a secret.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => show_path(path, f),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

/// Shows only what is a path, because another text that was given for one may be a key.
fn show_path(path: &Path, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_plain_path(path) {
        f.debug_tuple("File").field(&path).finish()
    } else {
        write!(f, "File({} bytes)", path.as_os_str().len())
    }
}
