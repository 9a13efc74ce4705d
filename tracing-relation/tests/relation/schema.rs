//! The JSON Schema of each generation of the interface.

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use tracing_relation::juju::Databag;

macro_rules! schema {
    ($name:literal) => {
        Schema {
            name: $name,
            validator: jsonschema::validator_for(
                &serde_json::from_str(include_str!(concat!("../fixtures/schemas/", $name, ".json")))
                    .expect("JSON"),
            )
            .expect("a schema"),
        }
    };
}

pub(crate) struct Schema {
    pub(crate) name: &'static str,
    validator: Validator,
}

impl Schema {
    /// Returns true if the decoded values of the databag keep to the schema.
    pub(crate) fn accepts(&self, databag: &Databag) -> bool {
        self.validator.is_valid(&decoded(databag))
    }
}

/// Returns the schemas of what a backend publishes, the newest first.
pub(crate) fn providers() -> [Schema; 4] {
    [schema!("provider-v2"), schema!("provider-v1"), schema!("provider-v0"), schema!("provider-before-v0")]
}

/// Returns the schemas of what a charm publishes that asks for a protocol, the newest first.
pub(crate) fn requirers() -> [Schema; 2] {
    [schema!("requirer-v2"), schema!("requirer-v1")]
}

/// Returns the schema with this name.
pub(crate) fn named<'a>(schemas: &'a [Schema], name: &str) -> &'a Schema {
    schemas.iter().find(|schema| schema.name == name).expect("a schema has this name")
}

/// The values of a databag as what they stand for: JSON, or a text as it is.
fn decoded(databag: &Databag) -> Value {
    let decode = |value: &String| serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    databag.iter().map(|(key, value)| (key.clone(), decode(value))).collect::<Map<_, _>>().into()
}
