//! The name that the compiled package gives `charm_tracing`: the attributes cannot use it, but name it in an error
//! message.

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs};

/// Returns the crate's name in the package's manifest; `None` if that is `charm_tracing` or the crate is not found.
pub(crate) fn other_name() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| {
        let folder = env::var_os("CARGO_MANIFEST_DIR")?;
        let read = |folder: &Path| fs::read_to_string(folder.join("Cargo.toml")).ok();
        let manifest = read(Path::new(&folder))?;
        // A dependency may be described in the manifest of the workspace.
        let workspace = Path::new(&folder)
            .ancestors()
            .skip(1)
            .find_map(|folder| read(folder).filter(|manifest| manifest.contains("[workspace.dependencies")));
        renamed(&manifest, &workspace.unwrap_or_default())
    })
    .as_deref()
}

fn renamed(manifest: &str, workspace: &str) -> Option<String> {
    let names = dependencies(manifest);
    if names.iter().any(|(name, _)| name.replace('-', "_") == "charm_tracing") {
        return None;
    }
    let is_it = |name: &str, line: &str| {
        let line = line.replace(' ', "");
        let inherited = || {
            dependencies(workspace)
                .into_iter()
                .any(|(other, line)| other == name && line.replace(' ', "").contains(PACKAGE))
        };
        line.contains(PACKAGE) || line.contains("workspace=true") && inherited()
    };
    let found = names.into_iter().find(|(name, line)| is_it(name, line));
    found.map(|(name, _)| name.replace('-', "_"))
}

const PACKAGE: &str = "package=\"charm-tracing\"";

/// Returns the keys of a manifest with their text: `name = ...`, `name.key = ...`, and the lines below
/// `[dependencies.name]`.
fn dependencies(manifest: &str) -> Vec<(&str, &str)> {
    let mut table = None;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']').split_once("dependencies.").map(|(_, name)| name.trim());
            found.extend(table.map(|name| (name, "")));
        } else if let Some((key, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let name = key.split('.').next().unwrap_or(key);
            found.push((table.unwrap_or(name).trim().trim_matches('"'), line));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORKSPACE: &str =
        "[workspace.dependencies]\nspans = { package = \"charm-tracing\", version = \"1\" }";

    #[test]
    fn another_name_is_found_wherever_it_is_given() {
        for (manifest, name) in [
            ("[dependencies]\ntracing = { package = \"charm-tracing\", version = \"0.1\" }", "tracing"),
            ("[dependencies]\nmy-spans = {version=\"0.1\",package=\"charm-tracing\"}", "my_spans"),
            ("[dependencies.tracing]\nversion = \"0.1\"\npackage = \"charm-tracing\"\n[features]", "tracing"),
            ("[target.'cfg(unix)'.dependencies.tracing]\npackage = \"charm-tracing\"", "tracing"),
            ("[dependencies]\ntracing.package = \"charm-tracing\"\ntracing.version = \"1\"", "tracing"),
            ("[dependencies]\nspans.workspace = true", "spans"),
            ("[dependencies]\nspans = { workspace = true, features = [\"testing\"] }", "spans"),
        ] {
            assert_eq!(renamed(manifest, WORKSPACE).as_deref(), Some(name), "{manifest}");
        }
    }

    #[test]
    fn its_own_name_and_no_name_are_no_other_name() {
        for manifest in [
            "[dependencies]\ncharm-tracing = \"0.1\"",
            "[dependencies]\ncharm-tracing.workspace = true",
            "[dependencies.charm-tracing]\nversion = \"0.1\"",
            "[dependencies]\ncharm-tracing = \"1\"\n[dev-dependencies]\ntwice = { package = \"charm-tracing\" }",
            "[dependencies]\ntracing = { version = \"0.1\" }",
            "# tracing = { package = \"charm-tracing\" }",
            "[dependencies]\nother.workspace = true",
            "[package]\nname = \"charm-tracing\"",
        ] {
            assert_eq!(renamed(manifest, WORKSPACE), None, "{manifest}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(manifest in "(?s).{0,80}", lines in "([\\[\\]=.a-d \"#\n]|charm-tracing|package|workspace){0,40}") {
            let _ = renamed(&manifest, &lines);
            let _ = renamed(&lines, &manifest);
        }
    }
}
