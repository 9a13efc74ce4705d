//! Compares the public API of each crate, with all features, with the list in `lists`: a change of it is a change of that
//! file, which a reviewer sees. `PUBLIC_API=overwrite cargo run -p tests-public-api` writes the lists.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};

/// The attributes of `charm-tracing-macros` are in the list of the crate that exports them.
const CRATES: [&str; 4] = ["charm-testing", "charm-traces", "charm-tracing", "tracing-relation"];

fn main() -> anyhow::Result<ExitCode> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let overwrite = std::env::var_os("PUBLIC_API").is_some_and(|value| value == "overwrite");
    let mut code = ExitCode::SUCCESS;
    for name in CRATES {
        let list = here.join("lists").join(name).with_extension("txt");
        let actual = public_api(here, name)?;
        if overwrite {
            fs::write(&list, actual).with_context(|| format!("cannot write {}", list.display()))?;
            continue;
        }
        let expected =
            fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
        if expected != actual {
            writeln!(io::stderr(), "{}", difference(name, &expected, &actual))?;
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Returns the list of a crate: the other crates that it shows, and a line for each item.
fn public_api(here: &Path, name: &str) -> anyhow::Result<String> {
    let api = public_api::Builder::from_rustdoc_json(rustdoc_json(here, name)?)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| format!("cannot read what rustdoc says of {name}"))?;
    let items = api.to_string();
    let mut shown: BTreeSet<&str> = items.lines().flat_map(crates).collect();
    shown.remove(name.replace('-', "_").as_str());
    Ok(format!("crates: {}\n\n{items}", Vec::from_iter(shown).join(", ")))
}

/// Lets rustdoc write about a crate, and returns the file. It is beside what `cargo doc` writes, which stays.
fn rustdoc_json(here: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let root = here.join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |path| root.join(path));
    let written = target.join("public-api");
    let status = Command::new(env!("CARGO"))
        .args([
            "rustdoc",
            "--quiet",
            "--locked",
            "--lib",
            "--all-features",
            "--package",
            name,
            "--target-dir",
        ])
        .arg(&written)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .current_dir(&root)
        .env("CARGO_BUILD_BUILD_DIR", &target)
        .env("RUSTDOC", here.join("rustdoc"))
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "cargo rustdoc: {status}");
    Ok(written.join("doc").join(name.replace('-', "_")).with_extension("json"))
}

/// Returns the crates in the line of an item: the first names of paths.
fn crates(line: &str) -> impl Iterator<Item = &str> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    line.match_indices("::").filter_map(move |(end, _)| {
        let start =
            line.as_bytes()[..end].iter().rposition(|byte| !is_name(*byte)).map_or(0, |last| last + 1);
        let is_first = !line[..start].ends_with("::");
        let name = &line[start..end];
        (is_first && name.starts_with(|first: char| first.is_ascii_lowercase())).then_some(name)
    })
}

/// Names the lines that are in one of the lists only.
fn difference(name: &str, expected: &str, actual: &str) -> String {
    let mut text = format!(
        "the public API of {name} is not that of tests/public-api/lists/{name}.txt; \
         `PUBLIC_API=overwrite cargo run -p tests-public-api` writes it:"
    );
    for (sign, these, others) in [('-', expected, actual), ('+', actual, expected)] {
        let others: BTreeSet<_> = others.lines().collect();
        for line in these.lines().filter(|line| !others.contains(line)) {
            text.extend(["\n", &sign.to_string(), " ", line]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_the_first_names_of_paths() {
        let line =
            "pub fn demo::Type<T>::get(&self, core::option::Option<&alloc::string::String>) -> Self::Out";
        assert_eq!(crates(line).collect::<Vec<_>>(), ["demo", "core", "alloc"]);
    }

    #[test]
    fn a_difference_has_the_lines_of_either_side() {
        let text = difference("demo", "a\nb\n", "b\nc\n");
        assert!(text.ends_with("\n- a\n+ c"), "{text}");
    }
}
