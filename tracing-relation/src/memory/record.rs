//! The content of the file.
//!
//! ```text
//! charm-tracing relations 1 5f0d2a1c
//! {"unit": "app/0", "model": "<uuid>", "hook": "<JUJU_CONTEXT_ID>", "written": "<unlike any other>",
//!  "learned": "1763750000", "follows": "true", "apps": {"3": "tempo"}, "ended": ["1"],
//!  "endpoints": {"tracing": {"3": {"units": ["tempo/0"], "databags": {"tempo": {"receivers": "[...]"}}}}}}
//! ```

use std::collections::BTreeMap;

use super::facts::{Facts, RelationFacts};
use crate::json::{FromJson, Json, JsonError};
use crate::juju::Databag;
use crate::wire::PythonJson::{self, List, Object, Text};

const FORMAT: &str = "charm-tracing relations 1 ";

/// Facts, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) unit: String,
    pub(super) model: String,
    /// The dispatch that wrote it, as Juju names it.
    pub(super) hook: String,
    /// Unlike that of any other record.
    pub(super) written: String,
    pub(super) facts: Facts,
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let Facts { learned, follows, endpoints, apps, ended } = &self.facts;
        // The writer knows texts alone.
        let learned = learned.to_string();
        let ids = endpoints.values().flat_map(BTreeMap::keys).chain(apps.keys()).chain(ended);
        let ids: BTreeMap<u32, String> = ids.map(|id| (*id, id.to_string())).collect();
        let endpoints = endpoints.iter().map(|(name, relations)| {
            let relations = relations.iter().map(|(id, facts)| (ids[id].as_str(), facts.to_json()));
            (name.as_str(), Object(relations.collect()))
        });
        let json = Object(vec![
            ("unit", Text(&self.unit)),
            ("model", Text(&self.model)),
            ("hook", Text(&self.hook)),
            ("written", Text(&self.written)),
            ("learned", Text(&learned)),
            ("follows", Text(if *follows { "true" } else { "false" })),
            ("apps", Object(apps.iter().map(|(id, app)| (ids[id].as_str(), Text(app))).collect())),
            ("ended", List(ended.iter().map(|id| Text(&ids[id])).collect())),
            ("endpoints", Object(endpoints.collect())),
        ]);
        let json = json.dumps();
        format!("{FORMAT}{:08x}\n{json}", crc32fast::hash(json.as_bytes())).into_bytes()
    }

    /// None if it is not a whole record of this version.
    pub(super) fn decode(content: &[u8]) -> Option<Self> {
        let rest = content.strip_prefix(FORMAT.as_bytes())?;
        let (checksum, json) = (rest.get(..8)?, rest.get(8..)?.strip_prefix(b"\n")?);
        let expected = format!("{:08x}", crc32fast::hash(json));
        (checksum == expected.as_bytes()).then(|| Self::from_json(json).ok()).flatten()
    }

    fn from_json(json: &[u8]) -> Result<Self, JsonError> {
        let json = Json::parse(json)?;
        let fields = json.fields()?;
        let text = |name: &str| field::<String>(json, fields.get(name));
        let mut endpoints = BTreeMap::new();
        for (name, relations) in fields.get("endpoints").ok_or_else(|| json.lacks("`endpoints`"))?.fields()? {
            let relations = relations.fields()?.into_iter();
            let relations =
                relations.map(|(of, facts)| Ok((id(json, &of)?, RelationFacts::from_json(facts)?)));
            endpoints.insert(name.into_owned(), relations.collect::<Result<_, JsonError>>()?);
        }
        let apps: BTreeMap<String, String> = field(json, fields.get("apps"))?;
        let ended: Vec<String> = field(json, fields.get("ended"))?;
        let facts = Facts {
            learned: text("learned")?.parse().map_err(|_| json.lacks("a number of seconds"))?,
            follows: text("follows")? == "true",
            endpoints,
            apps: apps.into_iter().map(|(of, app)| Ok((id(json, &of)?, app))).collect::<Result<_, _>>()?,
            ended: ended.iter().map(|of| id(json, of)).collect::<Result<_, _>>()?,
        };
        Ok(Self {
            unit: text("unit")?,
            model: text("model")?,
            hook: text("hook")?,
            written: text("written")?,
            facts,
        })
    }
}

fn id(json: Json<'_>, text: &str) -> Result<u32, JsonError> {
    text.parse().map_err(|_| json.lacks("the id of a relation"))
}

impl RelationFacts {
    fn to_json(&self) -> PythonJson<'_> {
        let units =
            self.units.iter().map(|units| ("units", List(units.iter().map(|unit| Text(unit)).collect())));
        let databags = self.databags.iter().map(|(owner, databag)| (owner.as_str(), texts(databag)));
        Object(units.chain([("databags", Object(databags.collect()))]).collect())
    }

    fn from_json(json: Json<'_>) -> Result<Self, JsonError> {
        let fields = json.fields()?;
        Ok(Self {
            units: fields.get("units").map(|units| FromJson::from_json(*units)).transpose()?,
            databags: field(json, fields.get("databags"))?,
        })
    }
}

fn texts(map: &Databag) -> PythonJson<'_> {
    Object(map.iter().map(|(key, value)| (key.as_str(), Text(value))).collect())
}

fn field<T: FromJson>(of: Json<'_>, field: Option<&Json<'_>>) -> Result<T, JsonError> {
    T::from_json(*field.ok_or_else(|| of.lacks("another field"))?)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn databag() -> impl Strategy<Value = Databag> {
        btree_map(any::<String>(), any::<String>(), 0..3)
    }

    fn record() -> impl Strategy<Value = Record> {
        let relation = (option::of(vec(any::<String>(), 0..3)), btree_map(any::<String>(), databag(), 0..3))
            .prop_map(|(units, databags)| RelationFacts { units, databags });
        let endpoints = btree_map(any::<String>(), btree_map(any::<u32>(), relation, 0..3), 0..3);
        let apps = btree_map(any::<u32>(), any::<String>(), 0..3);
        let ended = btree_set(any::<u32>(), 0..3);
        let facts = (any::<u64>(), any::<bool>(), endpoints, apps, ended).prop_map(
            |(learned, follows, endpoints, apps, ended)| Facts { learned, follows, endpoints, apps, ended },
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

    /// Later versions find this one, and must read it or know that they do not.
    #[test]
    fn version_1_is_read() {
        let record = Record::decode(include_bytes!("fixtures/v1.relations")).expect("it is whole");
        let databag = Databag::from([("receivers".to_owned(), "[]".to_owned())]);
        let relation = RelationFacts {
            units: Some(vec!["tempo/0".to_owned()]),
            databags: BTreeMap::from([("tempo".to_owned(), databag)]),
        };
        let facts = Facts {
            learned: 1_763_750_000,
            follows: true,
            endpoints: BTreeMap::from([("tracing".to_owned(), BTreeMap::from([(3, relation)]))]),
            apps: BTreeMap::from([(3, "tempo".to_owned())]),
            ended: [1].into(),
        };
        let (unit, model) = ("app/0".to_owned(), "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01".to_owned());
        let (hook, written) = ("app/0-update-status-3".to_owned(), "1-2".to_owned());
        assert_eq!(record, Record { unit, model, hook, written, facts });
        assert_eq!(record.encode(), include_bytes!("fixtures/v1.relations"), "it is written so, too");
    }
}
