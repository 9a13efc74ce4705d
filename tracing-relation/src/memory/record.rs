//! The content of the file.
//!
//! ```text
//! charm-tracing relations 3 5f0d2a1c
//! {"unit": "app/0", "model": "<uuid>", "hook": "<JUJU_CONTEXT_ID>", "written": "<unlike any other>",
//!  "facts": {"learned": 1763750000, "follows": true, "apps": {"3": "tempo"}, "ended": [1],
//!   "endpoints": {"tracing": {"relation-ids --format=json tracing": "[\"tracing:3\"]"}}}}
//! ```

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::json;

const FORMAT: &str = "charm-tracing relations 3 ";

/// The facts, with the unit and model that they belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) unit: String,
    pub(super) model: String,
    /// The context id of the dispatch that wrote it.
    pub(super) hook: String,
    /// A text that no other record has.
    pub(super) written: String,
    pub(super) facts: Facts,
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let json = json::dumps(self);
        format!("{FORMAT}{:08x}\n{json}", crc32fast::hash(json.as_bytes())).into_bytes()
    }

    /// Reads a record; `None` if it is damaged, incomplete or of another version.
    pub(super) fn decode(content: &[u8]) -> Option<Self> {
        let rest = content.strip_prefix(FORMAT.as_bytes())?;
        let (checksum, json) = (rest.get(..8)?, rest.get(8..)?.strip_prefix(b"\n")?);
        let expected = format!("{:08x}", crc32fast::hash(json));
        (checksum == expected.as_bytes()).then(|| json::read(json).ok())?
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set};
    use proptest::prelude::*;

    use std::collections::BTreeMap;

    use super::*;

    fn record() -> impl Strategy<Value = Record> {
        let answers = btree_map(any::<String>(), any::<String>(), 0..3);
        let endpoints = btree_map(any::<String>(), answers, 0..3);
        let apps = btree_map(any::<u32>(), any::<String>(), 0..3);
        let ended = btree_set(any::<u32>(), 0..3);
        let facts = (any::<Option<u64>>(), any::<bool>(), endpoints, apps, ended).prop_map(
            |(learned, follows, endpoints, apps, ended)| Facts { learned, follows, apps, ended, endpoints },
        );
        (any::<[String; 4]>(), facts).prop_map(|([unit, model, hook, written], facts)| Record {
            unit,
            model,
            hook,
            written,
            facts,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(record in record()) {
            prop_assert_eq!(Record::decode(&record.encode()), Some(record));
        }

        #[test]
        fn one_changed_or_missing_byte_makes_it_none(record in record(), at: usize, xor in 1_u8..) {
            let content = record.encode();
            let at = at % content.len();
            prop_assert_eq!(Record::decode(&content[..at]), None);
            let mut damaged = content;
            damaged[at] ^= xor;
            prop_assert_eq!(Record::decode(&damaged), None);
        }

        #[test]
        fn any_content_is_read_or_none(content: Vec<u8>, json: String) {
            prop_assert_eq!(Record::decode(&content), None);
            let json = format!("{FORMAT}{:08x}\n{json}", crc32fast::hash(json.as_bytes()));
            let _ = Record::decode(json.as_bytes());
        }
    }

    /// Later versions will find this format, and must read it or recognise that they cannot.
    #[test]
    fn version_3_is_read() {
        let record = Record::decode(include_bytes!("fixtures/v3.relations")).expect("it is whole");
        let ids = ("relation-ids --format=json tracing".to_owned(), r#"["tracing:3"]"#.to_owned());
        let facts = Facts {
            learned: Some(1_763_750_000),
            follows: true,
            endpoints: BTreeMap::from([("tracing".to_owned(), BTreeMap::from([ids]))]),
            apps: BTreeMap::from([(3, "tempo".to_owned())]),
            ended: [1].into(),
        };
        let (unit, model) = ("app/0".to_owned(), "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01".to_owned());
        let (hook, written) = ("app/0-update-status-3".to_owned(), "1-2".to_owned());
        assert_eq!(record, Record { unit, model, hook, written, facts });
        assert_eq!(record.encode(), include_bytes!("fixtures/v3.relations"), "it is written so, too");
        assert_eq!(Record::decode(include_bytes!("fixtures/v1.relations")), None, "it had texts for numbers");
        assert_eq!(
            Record::decode(include_bytes!("fixtures/v2.relations")),
            None,
            "it had a fact for each answer"
        );
    }
}
