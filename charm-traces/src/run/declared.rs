//! The events that a charm can get, as the files that describe it declare them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value as Json;

/// The sections of the metadata that have endpoints.
const ENDPOINTS: [&str; 3] = ["requires", "provides", "peers"];

/// The events that belong to something that a charm declares.
#[derive(Debug, Default)]
pub(super) struct Declared {
    endpoints: Vec<String>,
    storage: Vec<String>,
    containers: Vec<String>,
    actions: Vec<Action>,
}

/// An action as the charm declares it.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: String,
    /// The parameters, with the type of those that have only one.
    parameters: BTreeMap<String, Option<String>>,
    /// The value of `additionalProperties`. Without one, Juju 4 refuses other parameters, and older versions accept them.
    takes_others: Option<bool>,
}

impl Declared {
    /// Reads the files in the directory of a charm.
    pub(super) fn read(charm_dir: &Path) -> anyhow::Result<Self> {
        // Every charm has this endpoint.
        let mut declared = Self { endpoints: vec!["juju-info".to_owned()], ..Self::default() };
        for file in ["charmcraft.yaml", "metadata.yaml", "actions.yaml"] {
            let text = match fs::read_to_string(charm_dir.join(file)) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("cannot read {file}")),
            };
            let documents = Yaml::load_from_str(&text).with_context(|| format!("{file} is no YAML"))?;
            let Some(document) = documents.first() else { continue };
            if file == "actions.yaml" {
                declared.actions.extend(entries(document).map(Action::new));
                continue;
            }
            let section = |name: &str| document.as_mapping_get(name).into_iter().flat_map(entries);
            let names = |name: &str| section(name).map(|(name, _)| name.to_owned());
            declared.endpoints.extend(ENDPOINTS.into_iter().flat_map(names));
            declared.storage.extend(names("storage"));
            declared.containers.extend(names("containers"));
            declared.actions.extend(section("actions").map(Action::new));
        }
        Ok(declared)
    }

    pub(super) fn endpoint(&self, name: &str) -> Result<&str, String> {
        find(&self.endpoints, String::as_str, "endpoint", name).map(String::as_str)
    }

    pub(super) fn storage(&self, name: &str) -> Result<&str, String> {
        find(&self.storage, String::as_str, "storage", name).map(String::as_str)
    }

    pub(super) fn container(&self, name: &str) -> Result<&str, String> {
        find(&self.containers, String::as_str, "container", name).map(String::as_str)
    }

    pub(super) fn action(&self, name: &str) -> Result<&Action, String> {
        find(&self.actions, |action| &action.name, "action", name)
    }
}

impl Action {
    fn new((name, schema): (&str, &Yaml<'_>)) -> Self {
        let kind = |schema: &Yaml<'_>| Some(schema.as_mapping_get("type")?.as_str()?.to_owned());
        let parameters = schema.as_mapping_get("params").into_iter().flat_map(entries);
        Self {
            name: name.to_owned(),
            parameters: parameters.map(|(name, schema)| (name.to_owned(), kind(schema))).collect(),
            // A schema in its place accepts some.
            takes_others: schema
                .as_mapping_get("additionalProperties")
                .map(|value| value.as_bool().unwrap_or(true)),
        }
    }

    /// Tells whether Juju accepts a parameter that is not declared; `None` if this depends on the version of Juju.
    pub(super) fn accepts(&self, parameter: &str) -> Option<bool> {
        if self.parameters.contains_key(parameter) { Some(true) } else { self.takes_others }
    }

    /// Says that a parameter is not declared.
    pub(super) fn unknown(&self, parameter: &str) -> String {
        let declares = listed(self.parameters.keys().map(String::as_str));
        format!("the action {} has no parameter {parameter}; it declares {declares}", self.name)
    }

    /// Reads the value of a parameter as YAML, as `juju run` does. That of a declared text is the text itself, for which
    /// `juju run` needs `--string-args`.
    ///
    /// # Errors
    ///
    /// Says why the text is no value.
    pub(super) fn value(&self, parameter: &str, text: &str) -> Result<Json, String> {
        if self.parameters.get(parameter).and_then(Option::as_deref) == Some("string") {
            return Ok(text.into());
        }
        let documents = Yaml::load_from_str(text)
            .map_err(|error| format!("the value of {parameter} is no YAML: {error}"))?;
        let value = documents.first().map_or(Some(Json::Null), json);
        value.ok_or_else(|| format!("the value of {parameter} cannot be written as JSON: {text}"))
    }
}

/// Returns the declared thing of a name, in which `-` and `_` are the same. Its own name counts then.
fn find<'a, T>(declared: &'a [T], name_of: fn(&T) -> &str, kind: &str, name: &str) -> Result<&'a T, String> {
    let plain = |name: &str| name.replace('_', "-");
    declared.iter().find(|one| plain(name_of(one)) == plain(name)).ok_or_else(|| {
        format!("the charm has no {kind} {name}; it declares {}", listed(declared.iter().map(name_of)))
    })
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Returns the entries of a mapping whose keys are texts.
fn entries<'a>(yaml: &'a Yaml<'_>) -> impl Iterator<Item = (&'a str, &'a Yaml<'a>)> {
    yaml.as_mapping().into_iter().flatten().filter_map(|(name, value)| Some((name.as_str()?, value)))
}

fn json(yaml: &Yaml<'_>) -> Option<Json> {
    if yaml.is_null() {
        return Some(Json::Null);
    }
    if let Some(sequence) = yaml.as_sequence() {
        return sequence.iter().map(json).collect();
    }
    if let Some(mapping) = yaml.as_mapping() {
        let entry = |(key, value): (&Yaml<'_>, &Yaml<'_>)| Some((key.as_str()?.to_owned(), json(value)?));
        return mapping.iter().map(entry).collect::<Option<_>>().map(Json::Object);
    }
    let number = || yaml.as_integer().map(Json::from).or_else(|| yaml.as_floating_point().map(Json::from));
    yaml.as_bool().map(Json::from).or_else(number).or_else(|| yaml.as_str().map(Json::from))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_yaml_unless_a_text_is_declared() {
        let yaml = "{params: {name: {type: string}, any: {type: [string, integer]}, count: {type: integer}}}";
        let documents = Yaml::load_from_str(yaml).unwrap();
        let action = Action::new(("greet", &documents[0]));
        for (parameter, text, value) in [
            ("name", "5", json!("5")),
            ("name", "", json!("")),
            ("any", "5", json!(5)),
            ("count", "5", json!(5)),
            ("count", "five", json!("five")),
            ("other", "true", json!(true)),
            ("other", "0.5", json!(0.5)),
            ("other", "'5'", json!("5")),
            ("other", "", json!(null)),
            ("other", "[a, {b: 1}]", json!(["a", {"b": 1}])),
        ] {
            assert_eq!(action.value(parameter, text), Ok(value), "{parameter}={text}");
        }
        for text in ["[", "{1: 2}"] {
            let refused = action.value("other", text).unwrap_err();
            assert!(refused.starts_with("the value of other "), "{refused}");
        }
    }
}
