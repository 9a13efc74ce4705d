//! The README shows a charm and the trace it yields. Both are true.

use std::path::Path;

use tests::collector::Collector;
use tests::juju::{Deployment, Event};
use tests::tree;

const README: &str = include_str!("../../README.md");
const MINIMAL: &str = include_str!("../minimal/src/main.rs");
const CHARMCRAFT: &str = include_str!("../minimal/charmcraft.yaml");

/// The text between the first fence of this kind after `heading` and the next fence.
fn block<'a>(kind: &str, after: &str) -> &'a str {
    let from = README.find(after).unwrap_or_else(|| panic!("README has no `{after}`"));
    let fence = format!("```{kind}\n");
    let start = from + README[from..].find(&fence).unwrap_or_else(|| panic!("no {fence}")) + fence.len();
    let end = start + README[start..].find("```").expect("the fence is closed");
    &README[start..end]
}

/// Names with their indentation and complaint: a line of a drawn trace without its duration.
fn without_durations(drawn: &str) -> Vec<String> {
    let name = |line: &str| {
        let (name, complaint) = line.split_once('✗').unwrap_or((line, ""));
        let name = name.trim_end().rsplit_once("  ").map_or(name, |(name, _duration)| name);
        format!("{} {complaint}", name.trim_end()).trim_end().to_owned()
    };
    drawn.lines().filter(|line| !line.starts_with("trace ")).map(name).collect()
}

#[test]
fn the_charm_it_shows_is_the_minimal_example() {
    let code = MINIMAL.split_once("\n\n").expect("a line of documentation comes first").1;
    assert_eq!(block("rust", "# charm-tracing"), code);
}

#[test]
fn the_trace_it_shows_is_what_that_charm_yields() {
    let collector = Collector::start();
    let charm = Path::new(env!("CARGO_BIN_EXE_minimal-charm"));
    let mut juju =
        Deployment::new(charm, Path::new(env!("CARGO_BIN_EXE_demo"))).charmcraft(CHARMCRAFT).start();
    juju.model().set_leader(true);
    let relation = juju.add_relation("tracing", "tempo", &["tempo/0"]);
    let receivers = format!(
        r#"[{{"protocol": {{"name": "otlp_http", "type": "http"}}, "url": "{}"}}]"#,
        collector.endpoint()
    );
    juju.model().set_remote_app_data(relation, "receivers", &receivers);
    let outcome = juju.dispatch(Event::relation_changed("tracing", relation));
    assert!(outcome.success(), "{outcome}");
    collector.clear();

    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    let error =
        "Error: the workload is not running\n\nCaused by:\n    No such file or directory (os error 2)\n";
    assert_eq!(outcome.stderr, error, "{outcome}");
    let drawn = tree::picture(&collector.spans());
    assert_eq!(
        without_durations(block("text", "this trace")),
        without_durations(&drawn),
        "the README should show:\n{drawn}"
    );
}
