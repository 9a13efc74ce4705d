//! The files that describe a charm: those of the package under test, and as much of them as Juju acts on.

use std::path::Path;
use std::{env, fs, io};

use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

/// The names of the files that describe a charm, in the order in which they are read.
pub(super) const NAMES: [&str; 4] = ["charmcraft.yaml", "metadata.yaml", "config.yaml", "actions.yaml"];

/// Returns the files of the package whose test runs, each with its name. Cargo has its directory in `CARGO_MANIFEST_DIR`.
pub(super) fn of_package() -> io::Result<Vec<(&'static str, String)>> {
    let Some(directory) = env::var_os("CARGO_MANIFEST_DIR") else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for name in NAMES {
        match fs::read_to_string(Path::new(&directory).join(name)) {
            Ok(text) => files.push((name, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("cannot read {name}: {error}"))),
        }
    }
    Ok(files)
}

/// Returns the charm's name, if this is a file that has it.
pub(super) fn charm_name(file: &str, text: &str) -> Option<String> {
    if !["charmcraft.yaml", "metadata.yaml"].contains(&file) {
        return None;
    }
    let documents = Yaml::load_from_str(text).ok()?;
    Some(documents.first()?.as_mapping_get("name")?.as_str()?.to_owned())
}

/// An option of the configuration, as the charm declares it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConfigOption {
    pub(super) name: String,
    /// `string`, `int`, `float`, `boolean` or `secret`.
    pub(super) kind: String,
    pub(super) default: Option<Value>,
}

impl ConfigOption {
    /// Reads a value as `juju config` does; `None` if it is none of the option's type.
    pub(super) fn value(&self, text: &str) -> Option<Value> {
        match self.kind.as_str() {
            "int" => text.parse::<i64>().ok().map(Value::from),
            "float" => text.parse::<f64>().ok().map(Value::from),
            "boolean" => text.parse::<bool>().ok().map(Value::from),
            _ => Some(text.into()),
        }
    }
}

/// Returns the options of the configuration, if this is a file that has them.
pub(super) fn config_options(file: &str, text: &str) -> Vec<ConfigOption> {
    let options = |documents: &[Yaml<'_>]| {
        let document = documents.first()?;
        let config = match file {
            "charmcraft.yaml" => document.as_mapping_get("config")?,
            "config.yaml" => document,
            _ => return None,
        };
        let options = config.as_mapping_get("options")?.as_mapping()?;
        let options = options.iter().filter_map(|(name, option)| {
            let kind = option.as_mapping_get("type").and_then(Yaml::as_str).unwrap_or("string");
            Some(ConfigOption {
                name: name.as_str()?.to_owned(),
                kind: kind.to_owned(),
                default: option.as_mapping_get("default").and_then(scalar),
            })
        });
        Some(options.collect())
    };
    Yaml::load_from_str(text).ok().and_then(|documents| options(&documents)).unwrap_or_default()
}

fn scalar(yaml: &Yaml<'_>) -> Option<Value> {
    let text = || yaml.as_str().map(Value::from);
    let float = || yaml.as_floating_point().map(Value::from);
    yaml.as_bool()
        .map(Value::from)
        .or_else(|| yaml.as_integer().map(Value::from))
        .or_else(float)
        .or_else(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "\
options:
  greeting: {type: string, default: hello}
  version: {type: string, default: '1.0'}
  port: {type: int, default: 80}
  ratio: {type: float, default: 0.5}
  debug: {type: boolean, default: false}
  none: {type: string}
";

    #[test]
    fn options_with_a_default_have_its_type() {
        let expected =
            r#"[["greeting","hello"],["version","1.0"],["port",80],["ratio",0.5],["debug",false]]"#;
        let shown = |file, text: &str| {
            let options = config_options(file, text).into_iter();
            let defaults: Vec<_> =
                options.filter_map(|option| Some((option.name, option.default?))).collect();
            serde_json::to_string(&defaults).unwrap()
        };
        assert_eq!(shown("config.yaml", OPTIONS), expected);
        let indented = OPTIONS.replace("\n  ", "\n    ").replace("options", "  options");
        assert_eq!(shown("charmcraft.yaml", &format!("name: x\nconfig:\n{indented}")), expected);
        assert_eq!(shown("actions.yaml", OPTIONS), "[]");
    }

    #[test]
    fn a_value_has_the_type_of_its_option() {
        let options = config_options("config.yaml", OPTIONS);
        let value = |name: &str, text: &str| options.iter().find(|option| option.name == name)?.value(text);
        assert_eq!(
            (value("version", "1.10"), value("greeting", "true")),
            (Some("1.10".into()), Some("true".into()))
        );
        assert_eq!((value("port", "8080"), value("debug", "true")), (Some(8080.into()), Some(true.into())));
        assert_eq!(value("ratio", "2"), Some(2.0.into()));
        assert_eq!(
            [("port", "http"), ("debug", "1"), ("other", "x")].map(|(name, text)| value(name, text)),
            [None, None, None]
        );
    }

    #[test]
    fn a_file_that_is_no_yaml_says_nothing() {
        assert_eq!(charm_name("metadata.yaml", "name: db\n").as_deref(), Some("db"));
        assert_eq!(charm_name("config.yaml", "name: db\n"), None);
        for text in ["{", "", "- name\n", "name: [x]\n", "\u{0}"] {
            assert_eq!(charm_name("charmcraft.yaml", text), None);
            assert_eq!(config_options("charmcraft.yaml", text), []);
        }
    }
}
