use std::sync::Arc;

use ureq::tls::{RootCerts, TlsConfig};

use super::certificate::{Certificate, CertificateError};

/// Trusts exactly these certificates.
///
/// The crypto provider is named here and not left to a process-wide default, which the charm may have set to one that
/// needs 30 ms for its first handshake.
pub(super) fn config(certificate: &Certificate) -> Result<TlsConfig, CertificateError> {
    let anchors = certificate.read()?;
    let roots: Vec<_> =
        anchors.iter().map(|anchor| ureq::tls::Certificate::from_der(anchor).to_owned()).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::path::PathBuf;

    use super::*;

    fn certificate() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::default().self_signed(&key).unwrap().pem()
    }

    fn roots(certificate: &Certificate) -> usize {
        match config(certificate).unwrap().root_certs() {
            RootCerts::Specific(roots) => roots.len(),
            other => panic!("trusts {other:?}"),
        }
    }

    #[test]
    fn every_certificate_of_a_bundle_is_trusted() {
        let bundle = format!("# comment\n{}\n{}", certificate(), certificate());
        assert_eq!(roots(&Certificate::Pem(bundle)), 2);
    }

    #[test]
    fn broken_certificate_in_a_bundle_spoils_only_itself() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(roots(&Certificate::Pem(format!("{broken}{}", certificate()))), 1);
    }

    #[test]
    fn file_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), certificate()).unwrap();
        assert_eq!(roots(&Certificate::File(file.path().to_owned())), 1);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let relative = config(&Certificate::File(PathBuf::from("ca.crt"))).unwrap_err();
        assert_eq!(relative.to_string(), "the certificate's path is not absolute: ca.crt");

        let missing = config(&Certificate::File(PathBuf::from("/nonexistent/ca.crt"))).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read the certificate /nonexistent/ca.crt");
        assert!(missing.source().unwrap().to_string().contains("No such file"));

        let directory = config(&Certificate::File(PathBuf::from("/"))).unwrap_err();
        assert_eq!(directory.source().unwrap().to_string(), "it is not a regular file");

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "garbage").unwrap();
        let garbage = config(&Certificate::File(file.path().to_owned())).unwrap_err();
        assert_eq!(garbage.to_string(), format!("{} holds no certificate in PEM", file.path().display()));

        for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let empty = config(&Certificate::Pem(pem.to_owned())).unwrap_err();
            assert_eq!(empty.to_string(), "the given text holds no certificate in PEM");
        }
    }
}
