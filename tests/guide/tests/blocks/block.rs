//! The blocks of code in the documents.

use std::fmt;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use tests_guide::{files, is_markdown, read};

/// A block of code in a document, or a command in its text.
pub(crate) struct Block {
    pub(crate) page: String,
    pub(crate) line: usize,
    /// The text behind the fence, such as `rust,no_run`. Commands stand without a fence.
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.page, self.line)
    }
}

/// Returns the blocks of README and of all pages.
pub(crate) fn blocks() -> impl Iterator<Item = Block> {
    let mut pages = files("docs");
    pages.retain(|path| is_markdown(path));
    pages.push("README.md".to_owned());
    pages.into_iter().flat_map(|page| blocks_of(&page, &read(&page)))
}

/// The beginnings of commands in a text.
const PROGRAMS: [&str; 4] = ["cargo ", "charm-traces ", "charmcraft ", "juju "];

fn blocks_of(page: &str, markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (event, place) in Parser::new(markdown).into_offset_iter() {
        let line = markdown[..place.start].matches('\n').count() + 1;
        let block = |kind: &str, text: &str| Block {
            page: page.to_owned(),
            line,
            kind: kind.to_owned(),
            text: text.to_owned(),
        };
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                inside = true;
                let kind = match &kind {
                    CodeBlockKind::Fenced(kind) => kind,
                    CodeBlockKind::Indented => "sh",
                };
                blocks.push(block(kind, ""));
            }
            Event::Code(text) if PROGRAMS.iter().any(|program| text.starts_with(program)) => {
                blocks.push(block("sh", &text));
            }
            Event::Text(text) if inside => blocks.last_mut().expect("a block has begun").text += &text,
            Event::End(TagEnd::CodeBlock) => inside = false,
            _ => {}
        }
    }
    blocks
}

#[test]
fn blocks_and_commands_are_found_with_their_kind_and_line() {
    let found = blocks_of(
        "page.md",
        "# A\n\n```rust,no_run\nfn a() {}\n```\n\n    indented\n\n- b `juju ssh` `c`\n  ```sh\n  ls\n  ```\n",
    );
    let found: Vec<_> = found.iter().map(|block| (block.line, &*block.kind, &*block.text)).collect();
    assert_eq!(
        found,
        [
            (3, "rust,no_run", "fn a() {}\n"),
            (7, "sh", "indented\n"),
            (9, "sh", "juju ssh"),
            (10, "sh", "ls\n")
        ]
    );
}
