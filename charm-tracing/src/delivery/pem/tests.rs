use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;

fn der() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default().self_signed(&key).unwrap().der().to_vec()
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn found(text: &str) -> Vec<Vec<u8>> {
    certificates(text.as_bytes()).iter().map(|certificate| certificate.to_vec()).collect()
}

#[test]
fn certificates_are_found_whatever_is_around_them() {
    let (der, key) = (der(), pem("PRIVATE KEY", b"secret"));
    let plain = pem("CERTIFICATE", &der);
    let one_line = plain.replace('\n', " ");
    for text in [
        plain.clone(),
        plain.trim_end().to_owned(),
        format!("\u{feff}{plain}"),
        format!("\u{feff}\r\n{}", plain.replace('\n', "\r\n")),
        plain.replace('\n', "\r"),
        plain.replace('\n', " \t\n"),
        plain.replace('\n', "\n    "),
        format!("# an authority\n{plain}"),
        format!("subject=CN = tempo\nissuer=CN = tempo\n{plain}"),
        format!("Bag Attributes\n    localKeyID: 01 02\n{key}Bag Attributes: <No Attributes>\n{plain}"),
        format!("Certificate:\n    Data:\n        Version: 3 (0x2)\n{plain}"),
        format!("-----BEGIN RUBBISH\n-----BEGIN CERTIFICATE-----\nMII\n{plain}"),
        format!("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n{plain}"),
        plain.replacen("-----\n", "-----\nProc-Type: 4,MIC-ONLY\nContent-Domain: RFC822\n\n", 1),
        pem("X509 CERTIFICATE", &der),
        pem("TRUSTED CERTIFICATE", &der),
        pem("CERTIFICATE", &[&der[..], b"more"].concat()),
        one_line.clone(),
    ] {
        assert_eq!(found(&text), [&der[..]], "{text}");
    }
    let both = [&der[..], &der[..]];
    for separator in ["", " ", "\n\n", "\r\n", "text\n", "\u{feff}", "# text\n"] {
        let text = format!("{}{separator}{plain}", plain.trim_end());
        assert_eq!(found(&text), both, "{text}");
    }
    assert_eq!(found(&one_line.repeat(2)), both);
    assert_eq!(certificates(&[b"caf\xe9\n", plain.as_bytes()].concat()), [der.into()]);
}

#[test]
fn what_is_commented_out_or_torn_or_no_certificate_is_not_taken() {
    let plain = pem("CERTIFICATE", &der());
    for text in [
        String::new(),
        plain.replace("-----BEGIN", "#-----BEGIN"),
        plain.replace("-----BEGIN", "# -----BEGIN"),
        plain.replace('\n', "\n# "),
        plain.replace("END", "BEGIN"),
        plain.replace("-----END CERTIFICATE-----", ""),
        plain.replace("END CERTIFICATE", "END X509 CERTIFICATE"),
        plain.replace("CERTIFICATE", "CERTIFICATE REQUEST"),
        plain.replace("CERTIFICATE", "PRIVATE KEY"),
        plain[..plain.len() / 2].to_owned(),
    ] {
        assert_eq!(found(&text), [[0; 0]; 0], "{text}");
    }
}

/// Uses settings that `openssl x509 -addtrust clientAuth`, `-addreject serverAuth` and so on write.
#[test]
fn certificate_that_openssl_would_not_trust_for_servers_is_not_taken() {
    let der = der();
    let (server, client) =
        (b"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01", b"\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02");
    let element =
        |tag: u8, contents: &[u8]| [&[tag, u8::try_from(contents.len()).unwrap()], contents].concat();
    let (trusted, rejected) = (|list: &[u8]| element(0x30, list), |list: &[u8]| element(0xa0, list));
    let alias = element(0x0c, b"tempo");
    for (taken, lists) in [
        (true, vec![]),
        (true, alias.clone()),
        (true, trusted(server)),
        (true, trusted(b"\x06\x04\x55\x1d\x25\x00")),
        (true, [trusted(&[&client[..], server].concat()), alias].concat()),
        (true, rejected(client)),
        (false, trusted(client)),
        (false, rejected(server)),
        (false, [trusted(server), rejected(server)].concat()),
    ] {
        let text = pem("TRUSTED CERTIFICATE", &[&der[..], &trusted(&lists)].concat());
        assert_eq!(found(&text), [&der[..]][..usize::from(taken)], "{lists:x?}");
    }
    assert_eq!(found(&pem("TRUSTED CERTIFICATE", &[&der[..], b"\x30\x10"].concat())), [[0; 0]; 0]);
}

#[test]
fn first_private_key_is_found_whatever_is_around_it() {
    let key = rcgen::KeyPair::generate().unwrap().serialize_der();
    let plain = pem("PRIVATE KEY", &key);
    let encrypted = pem("ENCRYPTED PRIVATE KEY", b"secret");
    let old = plain.replacen("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1);
    let parameters = pem("EC PARAMETERS", b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
    for before in ["", "\u{feff}", "Bag Attributes\n  friendlyName: é\n", &encrypted, &old, &parameters] {
        let text = format!("{before}{}{}", plain.replace('\n', "\r\n"), pem("PRIVATE KEY", b"another"));
        assert_eq!(private_key(text.as_bytes()).unwrap().secret_der(), key, "{text}");
    }
    assert_eq!(private_key(encrypted.as_bytes()), None);
}

proptest! {
    #[test]
    fn any_text_is_read(
        parts in prop::collection::vec(
            prop_oneof![
                Just("-----BEGIN ".to_owned()), Just("-----END ".to_owned()), Just("-----".to_owned()),
                Just("CERTIFICATE".to_owned()), Just("TRUSTED CERTIFICATE".to_owned()), Just("PRIVATE KEY".to_owned()),
                Just("\n".to_owned()), "[A-Za-z0-9+/=]{0,12}", "\\PC{0,4}",
            ],
            0..24,
        ),
    ) {
        let text = parts.concat();
        let all = text.len();
        prop_assert!(blocks(&text).all(|(label, body)| label.len() + body.len() <= all));
        let _ = (certificates(text.as_bytes()), private_key(text.as_bytes()));
    }

    #[test]
    fn settings_of_any_bytes_are_read(bytes: Vec<u8>) {
        let _ = is_for_servers(&bytes);
        if let Some((_, contents, rest)) = element(&bytes) {
            prop_assert!(contents.len() + rest.len() + 2 <= bytes.len());
        }
    }
}
