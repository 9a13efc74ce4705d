//! Reads the certificates to trust, and the charm's own certificate with its private key.

use std::borrow::Cow;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tracing_relation::{is_plain_path, read_regular_file};

use super::certificate::{Certificate, CertificateError, ClientCertificate, Pem};
use super::{pem, system_store};

type Certificates = Vec<CertificateDer<'static>>;

/// The largest file with certificates, in bytes. A system's whole bundle has about a quarter of this.
const LARGEST: u64 = 1 << 20;

/// Reads all certificates that can be trusted, at least one.
pub(super) fn trusted(certificate: &Certificate) -> Result<Certificates, CertificateError> {
    match certificate {
        Certificate::File(path) => in_pem(&Pem::File(path.clone())),
        Certificate::Pem(text) => in_pem(&Pem::Text(text.clone())),
        Certificate::System => {
            let (found, error) = system_store::read();
            anchors(found).ok_or_else(|| {
                let message = "the system's certificate store holds no certificate";
                CertificateError::new(message, error.map(Into::into))
            })
        }
    }
}

/// Reads the certificates that the charm shows, and the key with which it proves that the first one is its own.
pub(super) fn own(
    certificate: &ClientCertificate,
) -> Result<(Certificates, PrivateKeyDer<'static>), CertificateError> {
    let in_client = |source: CertificateError| {
        CertificateError::new("cannot use the client certificate", Some(source.into()))
    };
    let chain = in_pem(&certificate.chain).map_err(in_client)?;
    let (text, from) = text(&certificate.key, ["it", ""])
        .map_err(|CertificateError { message, source }| key_error(&message, source))?;
    let none = || key_error(&format!("{from} holds no private key in PEM that is not encrypted"), None);
    Ok((chain, pem::private_key(&text).ok_or_else(none)?))
}

/// Returns the error of a private key that cannot be used.
pub(super) fn key_error(
    reason: &str,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
) -> CertificateError {
    CertificateError::new(format!("cannot use the private key of the client certificate: {reason}"), source)
}

/// Finds the certificates in a bundle. Skips other content, such as a key, text, or a certificate that cannot be
/// decoded.
fn in_pem(pem: &Pem) -> Result<Certificates, CertificateError> {
    let (text, from) = text(pem, ["the certificate", "the certificate "])?;
    let none = || CertificateError::new(format!("{from} holds no certificate in PEM"), None);
    anchors(pem::certificates(&text)).ok_or_else(none)
}

/// Returns a PEM text, and how a message names its origin. An error names the text as subject and as object of a sentence.
fn text<'a>(pem: &'a Pem, [subject, object]: [&str; 2]) -> Result<(Cow<'a, [u8]>, String), CertificateError> {
    match pem {
        Pem::Text(text) => Ok((text.as_bytes().into(), "the given text".to_owned())),
        // A charm's working directory is not what its author expects, so only absolute paths are accepted.
        Pem::File(path) if !is_plain_path(path) => Err(CertificateError::new(
            format!("{subject} is neither a text in PEM nor the absolute path of a file with one"),
            None,
        )),
        Pem::File(path) => match read_regular_file(path, LARGEST) {
            Ok(text) => Ok((text.into(), path.display().to_string())),
            Err(error) => Err(CertificateError::new(
                format!("cannot read {object}{}", path.display()),
                Some(error.into()),
            )),
        },
    }
}

/// Returns the certificates that can be trusted; `None` if there is none.
fn anchors(mut found: Certificates) -> Option<Certificates> {
    found.retain(|certificate| rustls::RootCertStore::empty().add(certificate.clone()).is_ok());
    (!found.is_empty()).then_some(found)
}
