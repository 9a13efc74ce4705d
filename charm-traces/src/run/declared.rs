//! The events that a charm can get, as the files that describe it declare them.

use std::fs;
use std::io;
use std::path::Path;
use std::slice;

use anyhow::Context as _;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::{Map, Number, Value as Json};

/// The things of a charm that have events.
#[derive(Debug)]
pub(super) struct Declared(Vec<Declaration>);

/// An endpoint, a storage, a container or an action of a charm.
#[derive(Debug)]
pub(super) struct Declaration {
    kind: &'static str,
    pub(super) name: String,
    /// The description of an action's parameters is in here.
    content: Json,
}

impl Declared {
    /// Reads the files in the directory of a charm.
    pub(super) fn read(charm_dir: &Path) -> anyhow::Result<Self> {
        // Every charm has this endpoint.
        let info = Declaration { kind: "endpoint", name: "juju-info".to_owned(), content: Json::Null };
        let mut declared = vec![info];
        for file in ["charmcraft.yaml", "metadata.yaml", "actions.yaml"] {
            let text = match fs::read_to_string(charm_dir.join(file)) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("cannot read {file}")),
            };
            let documents = Yaml::load_from_str(&text).with_context(|| format!("{file} is no YAML"))?;
            let Some(document) = documents.first() else { continue };
            let sections =
                if file == "actions.yaml" { vec![("actions", document)] } else { entries(document) };
            for (section, content) in sections {
                let kind = match section {
                    "requires" | "provides" | "peers" => "endpoint",
                    "storage" => "storage",
                    "containers" => "container",
                    "actions" => "action",
                    _ => continue,
                };
                declared.extend(entries(content).into_iter().map(|(name, content)| Declaration {
                    kind,
                    name: name.to_owned(),
                    content: json(content).unwrap_or_default(),
                }));
            }
        }
        Ok(Self(declared))
    }

    /// Returns the declaration of this name. If there is none, `-` and `_` are the same.
    ///
    /// # Errors
    ///
    /// Says which names of this kind the charm declares.
    pub(super) fn find(&self, kind: &str, name: &str) -> Result<&Declaration, String> {
        let all = || self.0.iter().filter(|declared| declared.kind == kind);
        let plain = |name: &str| name.replace('_', "-");
        let exact = all().find(|declared| declared.name == name);
        exact.or_else(|| all().find(|declared| plain(&declared.name) == plain(name))).ok_or_else(|| {
            let declares = listed(all().map(|declared| &*declared.name));
            format!("the charm has no {kind} {name}; it declares {declares}")
        })
    }
}

impl Declaration {
    /// Tells whether Juju accepts a parameter that is not declared; `None` if this depends on the version of Juju: without
    /// `additionalProperties`, Juju 4 refuses it, and older versions accept it.
    pub(super) fn accepts(&self, parameter: &str) -> Option<bool> {
        if self.content["params"].get(parameter).is_some() {
            return Some(true);
        }
        // A schema in its place accepts some.
        self.content.get("additionalProperties").map(|value| value.as_bool().unwrap_or(true))
    }

    /// Says that a parameter is not declared.
    pub(super) fn unknown(&self, parameter: &str) -> String {
        let parameters = self.content["params"].as_object().into_iter().flat_map(Map::keys);
        let declares = listed(parameters.map(String::as_str));
        format!("the action {} has no parameter {parameter}; it declares {declares}", self.name)
    }

    /// Reads the value of a parameter as YAML, as `juju run` does. That of a declared text is the text itself, for which
    /// `juju run` needs `--string-args`.
    ///
    /// # Errors
    ///
    /// Says why the text is no value.
    pub(super) fn value(&self, parameter: &str, text: &str) -> Result<Json, String> {
        if self.content["params"][parameter]["type"] == "string" {
            return Ok(text.into());
        }
        let documents = Yaml::load_from_str(text)
            .map_err(|error| format!("the value of {parameter} is no YAML: {error}"))?;
        let value = documents.first().map_or(Some(Json::Null), json);
        value.ok_or_else(|| format!("the value of {parameter} cannot be written as JSON: {text}"))
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Returns the entries of a mapping whose keys are texts, with those of its merge keys (`<<`) that it does not have itself.
fn entries<'a>(yaml: &'a Yaml<'_>) -> Vec<(&'a str, &'a Yaml<'a>)> {
    let all = yaml.as_mapping().into_iter().flatten();
    let named = all.filter_map(|(name, value)| Some((name.as_str()?, value)));
    let (merges, mut entries): (Vec<_>, Vec<_>) = named.partition(|(name, _)| *name == "<<");
    for (_, merged) in merges {
        let mappings = merged.as_sequence().map_or(slice::from_ref(merged), Vec::as_slice);
        for (name, value) in mappings.iter().flat_map(self::entries) {
            if entries.iter().all(|(own, _)| *own != name) {
                entries.push((name, value));
            }
        }
    }
    entries
}

/// Returns a value as JSON; `None` if it has a key that is no text, or a number that is not finite.
fn json(yaml: &Yaml<'_>) -> Option<Json> {
    if yaml.is_null() {
        return Some(Json::Null);
    }
    if let Some(sequence) = yaml.as_sequence() {
        return sequence.iter().map(json).collect();
    }
    if let Some(mapping) = yaml.as_mapping() {
        let entry = |(name, value): (&str, &Yaml<'_>)| Some((name.to_owned(), json(value)?));
        let entries = entries(yaml).into_iter().map(entry).collect::<Option<_>>()?;
        return mapping.keys().all(Yaml::is_string).then_some(Json::Object(entries));
    }
    let float = || Number::from_f64(yaml.as_floating_point()?).map(Json::Number);
    let number = || yaml.as_integer().map(Json::from).or_else(float);
    yaml.as_bool().map(Json::from).or_else(number).or_else(|| yaml.as_str().map(Json::from))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_yaml_unless_a_text_is_declared() {
        let params = json!({"name": {"type": "string"}, "any": {"type": ["string", "integer"]}, "count": {"type": "integer"}});
        let action =
            Declaration { kind: "action", name: "greet".to_owned(), content: json!({"params": params}) };
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
        for text in ["[", "{1: 2}", ".inf", "-.inf", "[.nan]"] {
            let refused = action.value("other", text).unwrap_err();
            assert!(refused.starts_with("the value of other "), "{refused}");
        }
    }
}
