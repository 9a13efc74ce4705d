//! The documents of the repository agree with it: every page is reached, lists of files are whole. `.ci/run book` checks their links.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use pulldown_cmark::{Event, Parser, Tag};
use tests_guide::{files, is_markdown, read, root};

/// The directories of the published crates.
const CRATES: [&str; 5] =
    ["charm-testing", "charm-traces", "charm-tracing", "charm-tracing-macros", "tracing-relation"];

/// The documents that a reader meets, as paths from the root of the repository.
fn documents() -> Vec<String> {
    let mut documents = files("docs");
    documents.retain(|path| is_markdown(path));
    documents.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(str::to_owned));
    documents.extend(CRATES.map(|package| format!("{package}/README.md")));
    documents.extend(files("tests").into_iter().filter(|path| path.ends_with("/README.md")));
    documents
}

/// The lines of a text that are not within a fence.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// The targets of the links of a text.
fn links(text: &str) -> Vec<String> {
    let targets = Parser::new(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    });
    targets.collect()
}

/// The path that a link in a document leads to, from the root of the repository.
fn target(document: &str, link: &str) -> String {
    let path = Path::new(document).parent().expect("a document is in a directory").join(link);
    let mut steps: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                steps.pop().expect("a link leads out of the repository");
            }
            Component::Normal(step) => steps.push(step.to_str().expect("a name")),
            _ => {}
        }
    }
    steps.join("/")
}

#[test]
fn links_are_resolved() {
    assert_eq!(target("docs/guide/a.md", "../reference/b.md"), "docs/reference/b.md");
    assert_eq!(target("README.md", "docs/a.md"), "docs/a.md");
}

#[test]
fn every_page_of_the_guide_is_compiled() {
    let included = include_str!("../src/lib.rs");
    for page in files("docs/guide").into_iter().filter(|path| is_markdown(path)) {
        assert!(included.contains(&format!("include_str!(\"../../../{page}\")")), "src/lib.rs lacks {page}");
        assert!(read(&page).contains("\n```rust"), "{page} has no example");
    }
}

#[test]
fn the_book_has_every_page_under_its_own_title() {
    let summary = read("docs/SUMMARY.md");
    for page in files("docs").iter().filter(|path| is_markdown(path) && *path != "docs/SUMMARY.md") {
        let text = read(page);
        let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a title");
        let entry = format!("[{title}]({})", page.trim_start_matches("docs/"));
        assert!(summary.contains(&entry), "docs/SUMMARY.md lacks {entry}");
    }
}

#[test]
fn the_front_page_of_each_crate_leads_to_the_guide() {
    for crate_name in CRATES {
        let text = read(&format!("{crate_name}/src/lib.rs"));
        let front: String = text.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let pages: Vec<_> = code(&front).into_iter().filter(|code| code.starts_with("docs/")).collect();
        assert!(
            pages.iter().any(|page| page.starts_with("docs/guide/")),
            "{crate_name} names no page of the guide"
        );
        assert!(pages.iter().all(|page| root().join(page).exists()), "{crate_name} names {pages:?}");
    }
}

#[test]
fn every_document_is_reached_from_readme_or_contributing() {
    let mut reached = BTreeSet::new();
    let mut next = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    while let Some(document) = next.pop() {
        if root().join(&document).is_dir() {
            // A link to a directory shows its pages.
            next.extend(files(&document));
        } else if reached.insert(document.clone()) && is_markdown(&document) {
            let text = read(&document);
            let paths =
                links(&text).into_iter().filter(|link| !link.contains("://") && !link.starts_with('#'));
            let targets = paths.map(|link| target(&document, link.split('#').next().unwrap_or_default()));
            next.extend(targets);
        }
    }
    let missed: Vec<_> = documents().into_iter().filter(|document| !reached.contains(document)).collect();
    assert!(missed.is_empty(), "no way leads to {missed:?}");
}

#[test]
fn readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 150, "{lines} lines; what a first reader does not need belongs into the guide");
}

/// The files that the list of the runtime names: its rows begin with `` | `file` | ``.
fn listed(contributing: &str) -> Vec<String> {
    let from = contributing.find("## Every file of the runtime").expect("CONTRIBUTING.md has the list");
    let list = contributing[from..].split("\n## ").next().unwrap_or_default();
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(file, _)| file.to_owned()).collect()
}

#[test]
fn every_file_of_the_runtime_is_named_in_contributing() {
    let listed = listed(&read("CONTRIBUTING.md"));
    let mut actual = files("charm-tracing/src");
    actual.retain(|path| !path.contains("/tests/") && !path.ends_with("/tests.rs"));
    let actual: Vec<_> = actual.iter().filter_map(|path| path.strip_prefix("charm-tracing/src/")).collect();
    let missing: Vec<_> = actual.iter().filter(|file| !listed.iter().any(|known| known == *file)).collect();
    let stale: Vec<_> = listed.iter().filter(|file| !actual.contains(&file.as_str())).collect();
    assert!(missing.is_empty() && stale.is_empty(), "missing: {missing:?}, no longer there: {stale:?}");
    let unique: BTreeSet<_> = listed.iter().collect();
    assert_eq!(unique.len(), listed.len(), "each file is named once");
}

/// The texts between backticks on each line, of a part of a document.
fn code(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_path_in_contributing_is_there() {
    let top: Vec<_> = CRATES.into_iter().chain(["tests", "examples", "docs", "fuzz"]).collect();
    let contributing = read("CONTRIBUTING.md");
    let paths: Vec<_> = prose(&contributing)
        .flat_map(code)
        .filter(|text| text.split_once('/').is_some_and(|(directory, _)| top.contains(&directory)))
        .collect();
    let missing: Vec<_> =
        paths.iter().filter(|path| !path.contains(' ') && !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "these paths are not there: {missing:#?}");
    assert!(paths.len() > 50, "the check reads the document: {} paths", paths.len());
}

#[test]
fn every_step_of_the_three_paths_is_a_function_of_its_file() {
    let contributing = read("CONTRIBUTING.md");
    let from = contributing.find("## Three paths").expect("CONTRIBUTING.md has the paths");
    let paths = contributing[from..].split("\n## ").next().unwrap_or_default().replace('\n', " ");
    let mut seen = 0;
    for (before, after) in
        paths.match_indices("` in").map(|(at, _)| (&paths[..at], &paths[at + "` in".len()..]))
    {
        let function = before.rsplit('`').next().unwrap_or_default();
        let file = after.trim_start().strip_prefix('`').and_then(|file| file.split('`').next());
        let Some(file) = file else { continue };
        seen += 1;
        let (of, name) = function.rsplit_once("::").unwrap_or(("", function));
        let text = read(file);
        let is_there =
            [format!("fn {name}("), format!("fn {name}<")].iter().any(|declared| text.contains(declared));
        assert!(is_there && text.contains(of), "{file} has no {function}");
    }
    assert!(seen > 30, "the check reads the steps: {seen}");
}

#[test]
fn the_architecture_page_has_the_modules_in_the_order_that_is_checked() {
    let direction = read("charm-tracing/tests/direction.rs");
    let order =
        direction.split_once("const ORDER").expect("the order").1.split("];").next().unwrap_or_default();
    let order: Vec<_> =
        order.split('"').skip(1).step_by(2).filter(|module| !matches!(*module, "fuzzed" | "lib")).collect();
    let page = read("docs/explanation/architecture.md");
    let table = page
        .split_once("## The modules of the runtime")
        .expect("the table")
        .1
        .split("\n## ")
        .next()
        .unwrap_or_default();
    let rows = table.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let modules: Vec<_> = rows.flat_map(code).collect();
    assert_eq!(modules, order);
}

#[test]
fn every_setting_is_in_the_reference() {
    let config = read("charm-tracing/src/config.rs");
    let reference = read("docs/reference/attributes.md");
    let setters = config.split("\n    pub ").skip(1).filter_map(|declared| {
        let name = declared.strip_prefix("const ").unwrap_or(declared).strip_prefix("fn ")?;
        let (name, arguments) = name.split_once('(')?;
        let takes_self = arguments.trim_start().starts_with("mut self");
        takes_self.then(|| name.split('<').next().unwrap_or_default())
    });
    let setters: Vec<_> = setters.collect();
    let first = |row: &str| row.strip_prefix("| ").and_then(|row| row.split(" |").next()).map(str::to_owned);
    let rows: Vec<_> = reference.lines().filter_map(first).collect();
    // The arguments for these methods name all that is added.
    let argument = |setter: &str| match setter {
        "resource_attribute" | "span_exporter" => format!("`{setter}s"),
        _ => format!("`{setter} "),
    };
    let missing: Vec<_> =
        setters.iter().filter(|setter| !rows.iter().any(|row| row.starts_with(&argument(setter)))).collect();
    assert!(missing.is_empty(), "docs/reference/attributes.md lacks {missing:?}");
    assert!(
        setters.contains(&"span_exporter") && setters.len() > 5,
        "the check reads the settings: {setters:?}"
    );
}
