//! Reads certificates and private keys from PEM. It accepts what OpenSSL accepts, which is more than rustls accepts:
//! other labels of certificates, headers, text around the blocks. It also accepts a byte order mark, indented blocks,
//! blocks without line breaks in them, and blocks without a line break between them, which result when files are
//! concatenated.

use std::iter;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Labels of a certificate (`openssl/pem.h`).
const CERTIFICATE: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", TRUSTED];
/// The label of a certificate that is followed by settings of OpenSSL.
const TRUSTED: &str = "TRUSTED CERTIFICATE";

/// Returns the certificates in their order. Skips blocks that cannot be decoded.
pub(super) fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    blocks(&String::from_utf8_lossy(pem))
        .filter(|(label, _)| CERTIFICATE.contains(label))
        .filter_map(|(label, body)| {
            let headless = body.split(['\n', '\r']).filter(|line| !line.contains(':')).collect::<String>();
            let der: CertificateDer<'_> = decoded(CERTIFICATE[0], &headless)?;
            let (_, _, settings) = element(&der)?;
            let certificate = &der[..der.len() - settings.len()];
            (label != TRUSTED || is_for_servers(settings)).then(|| certificate.to_vec().into())
        })
        .collect()
}

/// Returns the first private key that is not encrypted; `None` if there is none.
pub(super) fn private_key(pem: &[u8]) -> Option<PrivateKeyDer<'static>> {
    blocks(&String::from_utf8_lossy(pem)).find_map(|(label, body)| decoded(label, body))
}

/// Decodes the text between two lines with the label; `None` if `T` has another label or the text is invalid.
fn decoded<T: PemObject>(label: &str, body: &str) -> Option<T> {
    let pem = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    T::from_pem_slice(pem.as_bytes()).ok()
}

/// Finds the blocks, each with its label and the text up to the second label. A block after a `#` does not count.
fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("-----BEGIN ").filter_map(|(at, begin)| {
        let is_comment = text[..at].trim_end_matches([' ', '\t']).ends_with('#');
        let (label, rest) = text[at + begin.len()..].split_once("-----")?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        (!is_comment).then_some((label, body))
    })
}

/// Returns true if the settings after a certificate (`X509_CERT_AUX`) trust it for servers. OpenSSL lists there the
/// purposes for which it is trusted, and those for which it is not.
fn is_for_servers(settings: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    /// The tag `[0] IMPLICIT` of the purposes for which the certificate is not trusted.
    const REJECTED: u8 = 0xa0;
    /// `id-kp-serverAuth` and `anyExtendedKeyUsage` (RFC 5280, section 4.2.1.12).
    const PURPOSES: [&[u8]; 2] = [&[0x2b, 6, 1, 5, 5, 7, 3, 1], &[0x55, 0x1d, 0x25, 0]];

    if settings.is_empty() {
        return true;
    }
    let Some((SEQUENCE, lists, _)) = element(settings) else { return false };
    let has_ours = |list| elements(list).any(|(_, purpose)| PURPOSES.contains(&purpose));
    elements(lists).all(|(tag, list)| match tag {
        SEQUENCE => has_ours(list),
        REJECTED => !has_ours(list),
        _ => true,
    })
}

/// Splits DER into its elements: their tags and contents.
pub(super) fn elements(mut der: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    iter::from_fn(move || {
        let (tag, contents, rest) = element(der)?;
        der = rest;
        Some((tag, contents))
    })
}

/// Splits off the first element of DER: its tag, its contents, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], rest) = der.split_first_chunk()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        0x81..=0x83 => {
            let (long, rest) = rest.split_at_checked(usize::from(short - 0x80))?;
            (long.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

#[cfg(test)]
mod tests;
