//! A module of the runtime uses only modules above it, in the order in which data flows.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// All modules. Those above the line, and `testing`, are built without the feature `session`.
const ORDER: &[&str] = &[
    "protobuf",
    "names",
    "trace_context",
    "site",
    "recorder",
    "span",
    "process",
    "otlp",
    // The line.
    "sdk",
    "queue",
    "delivery",
    "juju_log",
    "logger",
    "tracing_layer",
    "config",
    "charm",
    "otel_variables",
    "target",
    "notice",
    "parent",
    "resource",
    "hook_tools",
    "warnings_only",
    "recovery",
    "session",
    "run",
    "testing",
    "private",
    "charm_traces",
    "fuzzed",
    "lib",
];

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The names behind `crate::` in the code of a file, but not in its comments and tests.
fn used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join(" ");
    let mut names = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let (list, is_list) = match rest.strip_prefix('{') {
            Some(list) => (list.split(';').next().unwrap_or(list), true),
            None => (rest, false),
        };
        let mut depth = 0;
        for part in list.split_inclusive([',', '{', '}']) {
            if depth == 0 {
                let name = part.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next();
                names.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
            }
            match part.chars().last() {
                Some('{') => depth += 1,
                Some('}') => depth -= 1,
                _ => {}
            }
            if !is_list || depth < 0 {
                break;
            }
        }
    }
    names
}

/// The modules behind the names that `lib.rs` exports.
fn exports(lib: &str) -> HashMap<String, String> {
    let mut modules = HashMap::new();
    for statement in lib.split(';').filter_map(|statement| statement.rsplit_once("pub use ")) {
        let (module, names) = statement.1.split_once("::").unwrap_or((statement.1, ""));
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_') {
            modules.insert(name.to_owned(), module.to_owned());
        }
    }
    modules
}

#[test]
fn modules_use_only_those_above_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exports = exports(&fs::read_to_string(root.join("lib.rs")).expect("a file"));
    let place = |module: &str| ORDER.iter().position(|known| *known == module);
    let mut upwards = Vec::new();
    let mut seen = 0;
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).expect("below").to_str().expect("a name");
        if relative.contains("tests") {
            continue;
        }
        let module = relative.split('/').next().unwrap_or(relative).trim_end_matches(".rs");
        let own = place(module).unwrap_or_else(|| panic!("{module} is not in the order"));
        for name in used(&fs::read_to_string(&path).expect("a file")) {
            let target = exports.get(&name).map_or(name.as_str(), String::as_str);
            let Some(other) = place(target) else { continue };
            seen += 1;
            if other > own {
                upwards.push(format!("{relative} uses {name}"));
            }
        }
    }
    assert!(upwards.is_empty(), "these modules use others below them: {upwards:#?}");
    assert!(seen > 50, "the check reads the sources: {seen} uses");
}

#[test]
fn every_way_to_write_a_use_is_seen() {
    let text = "use crate::one;\nuse crate::{two, three::{Four, five}, six};\n// crate::seven\nlet x = crate::eight::nine();\n";
    assert_eq!(used(text), ["one", "two", "three", "six", "eight"]);
    let exported = exports("pub use one::{Two, Three};\npub use four::Five;\n");
    assert_eq!((exported["Three"].as_str(), exported["Five"].as_str()), ("one", "four"));
}
