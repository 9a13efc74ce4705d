use std::fs;
use std::path::Path;

use super::{databags, hook_tool_output};

#[test]
fn databags_of_the_corpus_are_read() {
    replay("databags", databags::check);
}

#[test]
fn output_of_hook_tools_in_the_corpus_is_survived() {
    replay("hook_tool_output", hook_tool_output::check);
}

#[expect(clippy::print_stdout, reason = "the last one is the one that fails, and only then is this shown")]
fn replay(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&corpus)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", corpus.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    inputs.sort();
    assert!(inputs.len() > 5, "{} has inputs", corpus.display());
    for input in inputs {
        println!("{}", input.display());
        check(&fs::read(&input).expect("a file"));
    }
}
