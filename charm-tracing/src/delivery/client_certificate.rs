use std::fmt;
use std::path::PathBuf;

use tracing_relation::is_plain_path;

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

/// Shows no PEM text, because it may be a secret.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) if is_plain_path(path) => f.debug_tuple("File").field(path).finish(),
            Self::File(path) => write!(f, "File({} bytes)", path.as_os_str().len()),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}
