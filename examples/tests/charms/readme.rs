//! The README shows a charm and the trace it yields, and the guide shows a test of a charm. All of that is true.

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};
use tests::picture::without_durations;

const README: &str = include_str!("../../../README.md");
const README_OF_THE_CRATE: &str = include_str!("../../../charm-tracing/README.md");
const GUIDE: &str = include_str!("../../../docs/guide/testing.md");
const GUIDES_TEST: &str = include_str!("guide.rs");
const MINIMAL: &str = include_str!("../../minimal/src/main.rs");
const CHARMCRAFT: &str = include_str!("../../minimal/charmcraft.yaml");

/// The text between the first fence of this kind after `heading` and the next fence.
fn block<'a>(kind: &str, after: &str) -> &'a str {
    let from = README.find(after).unwrap_or_else(|| panic!("README has no `{after}`"));
    let fence = format!("```{kind}\n");
    let start = from + README[from..].find(&fence).unwrap_or_else(|| panic!("no {fence}")) + fence.len();
    let end = start + README[start..].find("```").expect("the fence is closed");
    &README[start..end]
}

/// A drawn trace but for what is another in every run: its id and its durations.
fn what_lasts(drawn: &str) -> Vec<String> {
    let lasting = without_durations(drawn);
    lasting.lines().filter(|line| !line.starts_with("trace ")).map(str::to_owned).collect()
}

#[test]
fn the_charm_it_shows_is_the_minimal_example() {
    let code = MINIMAL.split_once("\n\n").expect("a line of documentation comes first").1;
    assert_eq!(block("rust", "# charm-tracing"), code);
}

#[test]
fn the_readme_of_the_crate_shows_the_same_charm_and_trace() {
    for block in [block("rust", "# charm-tracing"), block("text", "this trace")] {
        assert!(README_OF_THE_CRATE.contains(block), "charm-tracing/README.md should show:\n{block}");
    }
}

#[test]
fn the_test_in_the_guide_is_one_that_runs() {
    let code = GUIDES_TEST.split_once("\n\n").expect("a line of documentation comes first").1;
    assert!(GUIDE.contains(&format!("```rust,ignore\n{code}```\n")), "the guide should show:\n{code}");
}

#[test]
fn the_trace_it_shows_is_what_that_charm_yields() {
    let collector = Collector::start();
    let mut juju = Juju::new(env!("CARGO_BIN_EXE_minimal-charm")).unit("app/0").charmcraft(CHARMCRAFT);
    juju.set_leader(true);
    let relation = juju.relate("tracing", "tempo");
    relation.publish_endpoint(&collector.endpoint());
    for event in [Event::relation_created, Event::relation_joined, Event::relation_changed] {
        let outcome = juju.dispatch(event(&relation));
        assert!(outcome.success(), "{outcome}");
    }
    collector.clear();

    let outcome = juju.dispatch(Event::update_status());
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    let error =
        "Error: the workload is not running\n\nCaused by:\n    No such file or directory (os error 2)\n";
    assert_eq!(outcome.stderr, error, "{outcome}");
    let drawn = collector.trace().picture(0);
    assert_eq!(
        what_lasts(block("text", "this trace")),
        what_lasts(&drawn),
        "the README should show:\n{drawn}"
    );
}
