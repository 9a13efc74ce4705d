//! Names the algorithms of certificates that TLS does not accept here, so that an operator can have a certificate made
//! with others.

use super::pem::elements;

/// The usual algorithms of signatures and keys in certificates of backends, and the curves (RFC 3279, 5480, 5639, 5758,
/// 8410, 9881). Each entry has the contents of an object identifier.
const NAMES: [(&[u8], &str); 29] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "ECDSA with SHA-1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1], "ECDSA with SHA-224"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], "ECDSA with SHA-256"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], "ECDSA with SHA-384"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], "ECDSA with SHA-512"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], "ECDSA"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "P-256"),
    (&[0x2b, 0x81, 4, 0, 0x21], "P-224"),
    (&[0x2b, 0x81, 4, 0, 0x22], "P-384"),
    (&[0x2b, 0x81, 4, 0, 0x23], "P-521"),
    (&[0x2b, 0x81, 4, 0, 0x0a], "secp256k1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], "brainpoolP256r1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11], "brainpoolP384r1"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13], "brainpoolP512r1"),
    (&[0x2b, 0x65, 0x70], "Ed25519"),
    (&[0x2b, 0x65, 0x71], "Ed448"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], "RSA"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], "RSA with MD5"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], "RSA with SHA-1"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14], "RSA with SHA-224"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11], "RSA with SHA-256"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12], "RSA with SHA-384"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13], "RSA with SHA-512"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], "RSASSA-PSS"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], "DSA"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2], "DSA with SHA-256"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11], "ML-DSA-44"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x12], "ML-DSA-65"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x13], "ML-DSA-87"),
];

/// Returns the name of the algorithm, and of the curve if it has one, from the contents of an `AlgorithmIdentifier`
/// (RFC 5280, section 4.1.1.2).
pub(super) fn name(identifier: &[u8]) -> String {
    const OBJECT_IDENTIFIER: u8 = 6;

    let identifiers = elements(identifier).filter(|(tag, _)| *tag == OBJECT_IDENTIFIER);
    let name = |identifier| NAMES.iter().find(|(known, _)| *known == identifier).map(|(_, name)| *name);
    let names: Vec<_> = identifiers.filter_map(|(_, identifier)| name(identifier)).collect();
    if names.is_empty() { "an unknown algorithm".to_owned() } else { names.join(" on ") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn algorithms_have_the_names_that_operators_know() {
        let sha512 = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04";
        let p521 = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";
        let sha1 = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00";
        let dsa = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03\x02";
        for (identifier, expected) in [
            (&sha512[..], "ECDSA with SHA-512"),
            (p521, "ECDSA on P-521"),
            (sha1, "RSA with SHA-1"),
            (dsa, "DSA with SHA-256"),
            (b"\x06\x03\x2b\x65\x7f", "an unknown algorithm"),
            (b"\x06\x03\x2b\x65\x71", "Ed448"),
            (b"", "an unknown algorithm"),
            (b"\x06\x80", "an unknown algorithm"),
        ] {
            assert_eq!(name(identifier), expected);
        }
    }

    #[test]
    fn each_algorithm_has_one_name() {
        for (number, (identifier, name)) in NAMES.iter().enumerate() {
            assert!(NAMES[..number].iter().all(|other| other.0 != *identifier && other.1 != *name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_name(bytes: Vec<u8>) {
            let _ = name(&bytes);
        }
    }
}
