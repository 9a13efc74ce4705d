//! The content of a provider's databags.
//!
//! - Version 1, the application's databag: `certificates` is a JSON list of PEM texts, `version` is `1`.
//! - Version 0, the databag of each unit: `ca` and `certificate` are PEM texts, `chain` is a JSON list of PEM texts. The
//!   first library wrote `ca` and `certificate` as plain text. The library of version 1 writes them as JSON, to a requirer
//!   that does not say which version it knows.
//!
//! Every value is read in either form, so the library that wrote it does not matter.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::RawValue;

use crate::json;
use crate::juju::Databag;

/// The certificates in databags, and the number of unusable items.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The certificates in one normal form, so that duplicates are equal.
    pub(super) certificates: BTreeSet<String>,
    pub(super) ignored: usize,
}

impl Found {
    /// Adds the certificates of an application's databag in version 1. Returns false if it says nothing, and units may have
    /// certificates in version 0.
    ///
    /// An empty list counts as an answer, because the library of version 1 leaves the last certificate in the databags of
    /// version 0 when it is removed.
    pub(super) fn add_application(&mut self, databag: &Databag) -> bool {
        let texts = databag.get("certificates").map_or_else(Vec::new, |value| texts(value));
        let usable = texts.iter().filter(|text| self.add(text.as_deref())).count();
        let version_1 = databag.get("version").is_some_and(|version| version.trim() == "1");
        usable > 0 || (texts.is_empty() && version_1)
    }

    /// Adds the certificates of a unit's databag in version 0: the authority, and its chain. `certificate` is not added;
    /// [`CertificateTransferRequirer`](super::CertificateTransferRequirer) says why.
    pub(super) fn add_unit(&mut self, databag: &Databag) {
        for value in ["ca", "chain"].into_iter().filter_map(|key| databag.get(key)) {
            for text in texts(value) {
                self.add(text.as_deref());
            }
        }
    }

    /// Adds the certificates in a text, which may be one or a bundle. Returns false if there is none.
    fn add(&mut self, text: Option<&str>) -> bool {
        let mut any = false;
        for part in text.unwrap_or_default().split(BEGIN).skip(1) {
            match certificate(part) {
                Some(certificate) => {
                    self.certificates.insert(certificate);
                    any = true;
                }
                None => self.ignored += 1,
            }
        }
        self.ignored += usize::from(text.is_none_or(|text| !text.contains(BEGIN)));
        any
    }
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// The length of a line in PEM (RFC 7468), in characters.
const LINE: usize = 64;

/// Returns the texts in a value: the items of a JSON list, a JSON text, or the whole value. An item that is not a text is
/// `None`.
fn texts(value: &str) -> Vec<Option<Cow<'_, str>>> {
    match json::read::<Option<Vec<&RawValue>>>(value) {
        Ok(None) => Vec::new(),
        Ok(Some(items)) => items.into_iter().map(|item| json::read_part(item).ok()).collect(),
        Err(_) => vec![json::unquoted(value)],
    }
}

/// Returns the first certificate of a text that starts behind [`BEGIN`]; `None` if it is invalid. Ignores the text after
/// its end.
///
/// The line breaks are replaced, so that the same certificate in two forms is equal, and PEM without its line breaks can be
/// read.
fn certificate(text: &str) -> Option<String> {
    let (body, _) = text.split_once(END)?;
    let body: String = body.split_ascii_whitespace().collect();
    let data = body.trim_end_matches('=');
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    if data.is_empty() || body.len() - data.len() > 2 || body.len() % 4 != 0 || !data.bytes().all(base64) {
        return None;
    }
    let mut pem = format!("{BEGIN}\n");
    for start in (0..body.len()).step_by(LINE) {
        pem.push_str(&body[start..body.len().min(start + LINE)]);
        pem.push('\n');
    }
    Some(pem + END + "\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a certificate in PEM with this Base64 text, which need not be a valid certificate.
    fn pem(base64: &str) -> String {
        format!("{BEGIN}\n{base64}\n{END}\n")
    }

    fn databag<const N: usize>(pairs: [(&str, &str); N]) -> Databag {
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    fn of_value(value: &str) -> (Vec<String>, usize) {
        let mut found = Found::default();
        found.add_application(&databag([("certificates", value)]));
        (found.certificates.into_iter().collect(), found.ignored)
    }

    #[test]
    fn a_certificate_is_the_same_in_every_form() {
        let long = "MIIB".repeat(20);
        let expected = pem(&format!("{}\n{}", &long[..64], &long[64..]));
        let json = |text: &str| serde_json::Value::from(text).to_string();
        for text in [
            expected.clone(),
            expected.replace('\n', "\r\n"),
            expected.replace('\n', " "),
            format!("\u{feff}subject=CN = an authority\n{expected}trailing"),
            pem(&long),
        ] {
            for value in [text.clone(), json(&text), format!("[{}]", json(&text))] {
                assert_eq!(of_value(&value), (vec![expected.clone()], 0), "{value}");
            }
        }
    }

    #[test]
    fn a_bundle_is_several_certificates() {
        let bundle = pem("AAAA") + "# another\n" + &pem("BBBB") + &pem("AAAA");
        assert_eq!(of_value(&bundle), (vec![pem("AAAA"), pem("BBBB")], 0));
    }

    #[test]
    fn what_is_damaged_spoils_only_itself_and_a_key_is_never_taken() {
        let good = pem("AAAA");
        let key = "-----BEGIN PRIVATE KEY-----\nSECRET==\n-----END PRIVATE KEY-----\n";
        for damaged in [
            "",
            "garbage",
            key,
            BEGIN,
            END,
            &pem(""),
            &pem("===="),
            &pem("A==="),
            &pem("AAA"),
            &pem("A=AA"),
            &pem("AA!A"),
            &pem("Proc-Type: 4"),
            &pem("\u{e9}AA"),
            &format!("{BEGIN}\nAAAA\n"),
        ] {
            let items = serde_json::json!([damaged, good, damaged]).to_string();
            assert_eq!(of_value(&items), (vec![good.clone()], 2), "{damaged:?}");
            let (found, _) = of_value(&format!("{damaged}\n{good}{damaged}"));
            assert_eq!(found, std::slice::from_ref(&good), "{damaged:?}");
        }
        for odd in ["null", "3", "{}", "[[]]", r#""\\ud800""#] {
            let items = format!("[{odd}, {}]", serde_json::Value::from(good.as_str()));
            assert_eq!(of_value(&items), (vec![good.clone()], 1), "{odd}");
        }
    }

    #[test]
    fn version_1_has_an_answer_if_it_has_certificates_or_says_that_there_are_none() {
        let some = format!("[{}]", serde_json::Value::from(pem("AAAA")));
        let cases = [
            (databag([]), false),
            (databag([("version", "0")]), false),
            (databag([("version", "1")]), true),
            (databag([("version", "1"), ("certificates", "[]")]), true),
            (databag([("certificates", "[]")]), false),
            (databag([("certificates", "[3]")]), false),
            (databag([("certificates", "[3]"), ("version", "1")]), false),
            (databag([("certificates", "garbage")]), false),
            (databag([("certificates", &some)]), true),
            (databag([("certificates", &some), ("version", "7")]), true),
        ];
        for (databag, answers) in cases {
            assert_eq!(Found::default().add_application(&databag), answers, "{databag:?}");
        }
    }

    #[test]
    fn version_0_is_the_authority_and_its_chain() {
        let chain = serde_json::json!([pem("BBBB"), pem("AAAA")]).to_string();
        let unit = databag([
            ("ca", &pem("AAAA")),
            ("certificate", &pem("CCCC")),
            ("chain", &chain),
            ("ingress-address", "10.0.0.1"),
        ]);
        let mut found = Found::default();
        found.add_unit(&unit);
        assert_eq!(found.certificates, BTreeSet::from([pem("AAAA"), pem("BBBB")]));
        assert_eq!(found.ignored, 0);
        found.add_unit(&databag([("ca", "\"\""), ("chain", "null")]));
        assert_eq!((found.certificates.len(), found.ignored), (2, 1));
    }

    proptest! {
        #[test]
        fn any_databag_is_read(values in proptest::collection::btree_map(
            prop_oneof!["certificates", "version", "ca", "chain", ".{0,3}"],
            prop_oneof![".*", "(-----(BEGIN|END) CERTIFICATE-----|[A=\n ]|[\\[\\]\",]){0,12}"],
            0..5,
        )) {
            let mut found = Found::default();
            found.add_application(&values);
            found.add_unit(&values);
            for certificate in &found.certificates {
                prop_assert!(certificate.starts_with(BEGIN) && certificate.ends_with("-----\n"));
            }
        }
    }
}
