//! Blocks of `Cargo.toml`: each crate is there in that version, and has these features.

use std::process::Command;

use serde_json::Value;
use tests_guide::read;
use toml::Table;

use crate::block::{Block, blocks};

#[test]
fn dependencies_have_the_version_and_the_features_that_a_page_names() {
    let packages = packages();
    let mut seen = 0;
    for block in blocks().filter(|block| block.kind == "toml") {
        let table: Table = block.text.parse().unwrap_or_else(|error| panic!("{block} is no TOML: {error}"));
        for (name, dependency) in dependencies(&table) {
            seen += 1;
            check(&packages, &block, name, dependency);
        }
    }
    assert!(seen > 4, "the check reads the pages: {seen} dependencies");
}

#[test]
fn the_profile_of_a_page_is_that_of_the_template() {
    let template: Table = read("examples/template/Cargo.toml").parse().expect("a Cargo.toml");
    let profiles = blocks().filter(|block| block.kind == "toml" && block.text.contains("[profile."));
    for block in profiles {
        let table: Table = block.text.parse().expect("checked above");
        assert_eq!(table["profile"], template["profile"], "{block}");
    }
}

/// Returns the dependencies of a whole file, or of a part that has no heading.
fn dependencies(table: &Table) -> Vec<(&String, &toml::Value)> {
    let sections = ["dependencies", "dev-dependencies"].map(|section| table.get(section));
    if sections.iter().any(Option::is_some) {
        sections.into_iter().flatten().filter_map(toml::Value::as_table).flatten().collect()
    } else {
        table.iter().filter(|(name, _)| *name != "profile").collect()
    }
}

fn check(packages: &[Value], block: &Block, name: &str, dependency: &toml::Value) {
    let field = |key: &str| dependency.get(key);
    let version = dependency.as_str().or_else(|| field("version")?.as_str());
    let found = packages.iter().find(|package| {
        let has = package["version"].as_str().expect("a version");
        package["name"] == name && version.is_none_or(|version| has.starts_with(version))
    });
    let package = found.unwrap_or_else(|| panic!("{block}: no {name} {version:?} is used here"));
    if let Some(path) = field("path").and_then(toml::Value::as_str) {
        let manifest = package["manifest_path"].as_str().expect("a path");
        let directory = path.strip_prefix("../charm-tracing/").unwrap_or_else(|| panic!("{block}: {path}"));
        assert!(manifest.ends_with(&format!("/{directory}/Cargo.toml")), "{block}: {path}");
    }
    for feature in field("features").and_then(toml::Value::as_array).into_iter().flatten() {
        let feature = feature.as_str().expect("a name");
        assert!(package["features"].get(feature).is_some(), "{block}: {name} has no feature {feature}");
    }
}

/// Returns the packages that this workspace is built of on this platform. Cargo downloads those that no build has needed.
fn packages() -> Vec<Value> {
    let version = cargo(&["-vV"]);
    let platform = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo's platform");
    let metadata = cargo(&["metadata", "--locked", "--format-version=1", "--filter-platform", platform]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(args).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
