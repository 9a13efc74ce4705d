//! The files that describe a charm: those of the package under test, and as much of them as Juju acts on.

use std::path::Path;
use std::{env, fs, io};

use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

/// The names of the files that describe a charm, in the order in which they are read.
const NAMES: [&str; 4] = ["charmcraft.yaml", "metadata.yaml", "config.yaml", "actions.yaml"];

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

/// Returns the options that have a default, if this is a file that has the charm's configuration.
pub(super) fn config_defaults(file: &str, text: &str) -> Vec<(String, Value)> {
    let options = |documents: &[Yaml<'_>]| {
        let document = documents.first()?;
        let config = match file {
            "charmcraft.yaml" => document.as_mapping_get("config")?,
            "config.yaml" => document,
            _ => return None,
        };
        let options = config.as_mapping_get("options")?.as_mapping()?;
        let defaults = options.iter().filter_map(|(name, option)| {
            Some((name.as_str()?.to_owned(), scalar(option.as_mapping_get("default")?)?))
        });
        Some(defaults.collect())
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
        let shown = |file, text: &str| serde_json::to_string(&config_defaults(file, text)).unwrap();
        assert_eq!(shown("config.yaml", OPTIONS), expected);
        let indented = OPTIONS.replace("\n  ", "\n    ").replace("options", "  options");
        assert_eq!(shown("charmcraft.yaml", &format!("name: x\nconfig:\n{indented}")), expected);
        assert_eq!(shown("actions.yaml", OPTIONS), "[]");
    }

    #[test]
    fn a_file_that_is_no_yaml_says_nothing() {
        assert_eq!(charm_name("metadata.yaml", "name: db\n").as_deref(), Some("db"));
        assert_eq!(charm_name("config.yaml", "name: db\n"), None);
        for text in ["{", "", "- name\n", "name: [x]\n", "\u{0}"] {
            assert_eq!(charm_name("charmcraft.yaml", text), None);
            assert_eq!(config_defaults("charmcraft.yaml", text), []);
        }
    }
}
