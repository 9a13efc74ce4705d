//! Every fenced block of the documents is checked by its kind. Those of the kind `rust` are compiled, see `src/lib.rs`; the
//! charmcraft.yaml of a page is read by charmcraft in `.ci/run charmcraft`, and Python by Python in `.ci/run book`.

mod block;
mod cargo_toml;
mod charmcraft_yaml;
mod shell;
mod text;

use block::blocks;

#[test]
fn every_block_is_of_a_kind_that_is_checked() {
    let mut kinds = std::collections::BTreeSet::new();
    for block in blocks() {
        let known = ["python", "rust", "rust,no_run", "rust,ignore", "sh", "text", "toml", "yaml"];
        assert!(known.contains(&&*block.kind), "no test reads a block of the kind `{}`: {block}", block.kind);
        let is_compiled = block.page.starts_with("docs/guide/") || block.page == "README.md";
        assert!(is_compiled || !block.kind.starts_with("rust"), "no test compiles {block}");
        kinds.insert(block.kind);
    }
    assert!(kinds.len() > 6, "the check reads the documents: {kinds:?}");
}

#[test]
fn code_that_is_not_compiled_stands_in_a_file_that_is() {
    let sources = tests_guide::files("examples");
    for block in blocks().filter(|block| block.kind == "rust,ignore") {
        let is_in = |file: &String| tests_guide::read(file).contains(&block.text);
        assert!(sources.iter().any(is_in), "no file of examples has this code: {block}\n{}", block.text);
    }
}
