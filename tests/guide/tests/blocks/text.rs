//! Blocks of text: what a program prints, and trees of spans. A test compares each with what it sees, or `DRAWN` says why not.

use tests_guide::read;

use crate::block::{Block, blocks};

/// The blocks that a test elsewhere compares with what it sees: the page, their first line, and the file of the test, which reads
/// the page.
const COMPARED: [(&str, &str, &str); 7] = [
    ("README.md", "trace ", "examples/tests/charms/readme.rs"),
    (
        "docs/guide/exporters.md",
        "cannot export the spans of this event with",
        "charm-tracing/tests/exporters.rs",
    ),
    ("docs/guide/first-charm.md", "my-charm/0: config-changed", ".ci/run"),
    ("docs/guide/logs-and-tracing.md", "app/0: config-changed event", "examples/everything/tests/trace.rs"),
    ("docs/guide/logs-and-tracing.md", "Starting root trace", "tests/end_to_end/trace_shape.rs"),
    ("docs/guide/see-traces.md", "$ charm-traces show --failed", "charm-traces/tests/program/guide.rs"),
    ("docs/guide/troubleshooting.md", "$ charm-traces doctor", "charm-traces/tests/program/guide.rs"),
];

/// The blocks that no test compares, and why.
const DRAWN: [(&str, &str, &str); 6] = [
    ("docs/explanation/architecture.md", "   the charm's code", "a drawing"),
    ("docs/explanation/durability.md", "spans ──> journal", "a drawing"),
    ("docs/guide/processes-and-requests.md", "method call:", "a tree with the pid of one moment"),
    ("docs/reference/files-on-disk.md", "$ ls -l .charm_tracing_buffer", "a listing of one moment"),
    ("docs/reference/files-on-disk.md", "trace 055e18accb112ef5fd65d879ab1e3cb7", "a file of that listing"),
    ("docs/reference/spans.md", "app/0: config-changed event", "a tree with explanations"),
];

#[test]
fn every_text_is_compared_with_what_is_seen() {
    let all: Vec<_> = blocks().collect();
    let (mut seen, mut alone) = (0, Vec::new());
    for block in all.iter().filter(|block| block.kind == "text") {
        seen += 1;
        let is = |page: &str, line: &str| block.page == page && block.text.starts_with(line);
        let compared = COMPARED.iter().find(|(page, line, ..)| is(page, line));
        if let Some((page, _, test)) = compared {
            let name = page.rsplit('/').next().expect("a page has a name");
            assert!(read(test).contains(name), "{test} does not read {name}");
            continue;
        }
        let drawn = DRAWN.iter().any(|(page, line, _)| is(page, line));
        let asserted =
            all.iter().any(|code| code.page == block.page && code.kind == "rust" && asserts(code, block));
        if !drawn && !asserted {
            alone.push(block.to_string());
        }
    }
    assert!(
        alone.is_empty(),
        "no code on the page asserts these texts, and no test is named for them: {alone:#?}"
    );
    assert!(seen > 8, "the check reads the pages: {seen}");
}

/// Tells whether code that runs as a test has the lines of a text one after the other, most likely as the tree that it asserts.
fn asserts(code: &Block, text: &Block) -> bool {
    let code: Vec<_> = code.text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
    let text: Vec<_> = text.text.lines().map(as_outline).collect();
    code.windows(text.len()).any(|lines| {
        let indent = lines[0].len() - lines[0].trim_start().len();
        lines.iter().zip(&text).all(|(line, shown)| line.get(indent..) == Some(shown))
    })
}

/// Writes a line of a picture as an outline does: `name [error: text]` for `name      ✗ text`.
fn as_outline(line: &str) -> String {
    match line.split_once('✗') {
        Some((name, error)) => format!("{} [error: {}]", name.trim_end(), error.trim()),
        None => line.trim_end().to_owned(),
    }
}

#[test]
fn a_text_is_asserted_by_the_tree_in_hidden_lines() {
    let block = |kind: &str, text: &str| Block {
        page: String::new(),
        line: 1,
        kind: kind.to_owned(),
        text: text.to_owned(),
    };
    let code = block(
        "rust",
        "f();\n# assert_eq!(recording.tree(), \"\\\n# event: a [error: no]\n#   render\n# \");\n",
    );
    assert!(asserts(&code, &block("text", "event: a     ✗ no\n  render\n")));
    assert!(!asserts(&code, &block("text", "event: a     ✗ no\nrender\n")), "the indentation counts");
    assert!(!asserts(&code, &block("text", "event: a\n  render\n")));
}
