//! The examples of `docs/guide` are tests: `cargo test -p tests-guide --doc` compiles them, and runs those that are not marked
//! `no_run`.
//!
//! A new page needs a line here; `tests/documents.rs` fails if it has none. The functions are for the tests of documents.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the text of a file.
///
/// # Panics
///
/// Panics if it cannot be read.
#[must_use]
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// Returns the files below a directory, as paths from the root of the repository.
///
/// # Panics
///
/// Panics if the directory cannot be read.
#[must_use]
pub fn files(directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(directory)).expect("a directory") {
        let entry = entry.expect("an entry");
        let path = format!("{directory}/{}", entry.file_name().to_str().expect("a name"));
        if entry.file_type().expect("a type").is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Tells whether a file is a page.
#[must_use]
pub fn is_markdown(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "md")
}

#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/guide/add-to-a-charm.md")]
    mod add_to_a_charm {}
    #[doc = include_str!("../../../docs/guide/async.md")]
    mod r#async {}
    #[doc = include_str!("../../../docs/guide/exporters.md")]
    mod exporters {}
    #[doc = include_str!("../../../docs/guide/first-charm.md")]
    mod first_charm {}
    #[doc = include_str!("../../../docs/guide/from-python.md")]
    mod from_python {}
    #[doc = include_str!("../../../docs/guide/https.md")]
    mod https {}
    #[doc = include_str!("../../../docs/guide/logs-and-tracing.md")]
    mod logs_and_tracing {}
    #[doc = include_str!("../../../docs/guide/machine-charms.md")]
    mod machine_charms {}
    #[doc = include_str!("../../../docs/guide/own-main.md")]
    mod own_main {}
    #[doc = include_str!("../../../docs/guide/processes-and-requests.md")]
    mod processes_and_requests {}
    #[doc = include_str!("../../../docs/guide/see-traces.md")]
    mod see_traces {}
    #[doc = include_str!("../../../docs/guide/testing.md")]
    mod testing {}
    #[doc = include_str!("../../../docs/guide/troubleshooting.md")]
    mod troubleshooting {}
}
