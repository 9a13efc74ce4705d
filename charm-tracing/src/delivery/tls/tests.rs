use std::error::Error as _;
use std::path::PathBuf;

use super::*;

fn certificate() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default().self_signed(&key).unwrap().pem()
}

fn config(certificate: &Certificate) -> Result<Client, CertificateError> {
    client(certificate, None)
}

fn roots(certificate: &Certificate) -> usize {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    Trust::new(trusted(certificate).unwrap(), algorithms).roots.len()
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
    let neither = "the certificate is neither a text in PEM nor the absolute path of a file with one";
    assert_eq!(relative.to_string(), neither);

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

#[test]
fn a_signature_of_a_short_key_is_not_said_to_be_another_authoritys() {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let rsa = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let bad_signature = || Error::from(rustls::CertificateError::BadSignature);
    for (bytes, is_short) in [(128, true), (256, false)] {
        // The modulus with its DER encoding and the exponent, in a bit string.
        let length = u16::try_from(bytes + 13).unwrap().to_be_bytes();
        let key = [&rsa[..], &[3, 0x82], &length, &vec![1; bytes + 13]].concat();
        let mut trust = Trust::new(Vec::new(), algorithms);
        trust.roots.roots.push(rustls::pki_types::TrustAnchor {
            subject: Vec::new().into(),
            subject_public_key_info: key.into(),
            name_constraints: None,
        });
        assert_eq!(trust.or_short_key(bad_signature()) != bad_signature(), is_short, "{bytes}");
        let expired = || Error::from(rustls::CertificateError::Expired);
        assert_eq!(trust.or_short_key(expired()), expired());
    }
}
