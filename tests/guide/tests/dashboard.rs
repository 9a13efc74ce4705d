//! The queries of the dashboard and of the guide name what the crates write. `.ci/run dashboard` parses them.

use std::collections::BTreeSet;
use std::fs;

use charm_tracing::juju::Dispatch;
use charm_tracing::juju::testing::{HookContext, Model};
use charm_tracing::testing::{Span, Trace};
use charm_tracing::{Config, Session, testing, trace_charm};
use regex::Regex;
use serde_json::Value;
use tests_guide::read;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn new(_: &Dispatch) -> anyhow::Result<Self> {
        Ok(Self { endpoint: None })
    }

    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        if dispatch.is_leader()? {
            self.endpoint = Some("http://tempo:4318".to_owned());
        }
        Ok(())
    }
}

/// Returns the spans of a hook in which a hook tool, the handler, and with it the hook fail.
fn failed_hook() -> Trace {
    let juju = Model::new("app/0");
    juju.fail_every("is-leader", 1, "ERROR connection is shut down\n");
    let played =
        testing::dispatch(&juju, "config-changed", HookContext::new(), MyCharm::new, MyCharm::handle);
    assert!(played.result.is_err());
    played.trace
}

/// Returns the spans of a dispatch before which traces were lost.
fn losses() -> Trace {
    let directory = tempfile::tempdir().expect("a directory");
    let queue = directory.path().join("queue");
    fs::create_dir(&queue).expect("a directory");
    let lost = "dropped_traces 1\nrefused_traces 1\nlost_traces 1\nrejected_spans 1\n";
    fs::write(queue.join("state"), lost).expect("a file");
    let vars = [
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
        ("JUJU_CHARM_DIR", directory.path().to_str().expect("a text")),
    ];
    Session::start(Dispatch::from_vars(vars), Config::new().buffer_path(&queue)).finish(None);
    let files = fs::read_dir(&queue).expect("a directory").map(|file| file.expect("a file").path());
    let waiting = files.filter(|file| file.extension().is_some_and(|kind| kind == "otlp" || kind == "idle"));
    let request = fs::read(waiting.last().expect("a trace waits")).expect("a file");
    Trace::from_otlp(&request).expect("a request")
}

/// Returns the queries of the dashboard, and those between backticks in the guide.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("docs/dashboards/charm-traces.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let mut queries: Vec<_> =
        targets.map(|target| target["query"].as_str().expect("a query").to_owned()).collect();
    let guide = read("docs/guide/see-traces.md");
    queries.extend(guide.split('`').filter(|code| code.starts_with("{ ")).map(str::to_owned));
    assert!(queries.len() > 12, "{queries:#?}");
    queries
}

fn captured<'a>(pattern: &str, queries: &'a [String]) -> BTreeSet<&'a str> {
    let pattern = Regex::new(pattern).expect("a pattern");
    let found = queries.iter().flat_map(|query| pattern.captures_iter(query));
    found.map(|captures| captures.get(1).expect("a group").as_str()).collect()
}

#[test]
fn the_attributes_of_all_queries_are_written() {
    let spans: Vec<_> = failed_hook().into_spans().into_iter().chain(losses().into_spans()).collect();
    let queries = queries();
    let resource = captured(r"(?-u:\b)resource\.([a-z_.]+)", &queries);
    for key in &resource {
        assert!(spans.iter().all(|span| span.resource_attribute(key).is_some()), "no resource has {key}");
    }
    let of_spans = captured(r"(?-u:\b)span\.([a-z_.]+)", &queries);
    // A trace that has grown to its limit is not made here.
    let names = read("charm-tracing/src/names.rs");
    for key in &of_spans {
        let is_written = spans.iter().any(|span| span.attribute(key).is_some());
        assert!(
            is_written || names.contains(&format!("DROPPED_SPANS: &str = \"{key}\"")),
            "no span has {key}"
        );
    }
    assert!(resource.len() > 3 && of_spans.len() > 6, "{resource:?} {of_spans:?}");
    let dashboard: Value = serde_json::from_str(&read("docs/dashboards/charm-traces.json")).expect("JSON");
    for variable in dashboard["templating"]["list"].as_array().expect("variables") {
        if let Some(key) = variable["query"]["label"].as_str() {
            assert!(spans[0].resource_attribute(key).is_some(), "no resource has {key}");
        }
    }
}

#[test]
fn the_names_of_all_queries_are_those_of_spans() {
    let spans = failed_hook();
    let matching = |pattern: &str| -> Vec<&Span> {
        // Tempo matches whole values.
        let pattern = Regex::new(&format!("^(?:{pattern})$")).expect("a pattern");
        spans.iter().filter(|span| pattern.is_match(&span.name)).collect()
    };
    let queries = queries();
    let patterns = captured(r#"name =~ "([^"]*)""#, &queries);
    assert!(patterns.len() > 1, "{patterns:?}");
    for pattern in patterns {
        assert!(!matching(pattern).is_empty(), "no span has a name like {pattern}:\n{}", spans.tree());
    }
    let tools: Vec<_> = matching("[a-z]+(-[a-z]+)+").iter().map(|span| &*span.name).collect();
    assert_eq!(tools, ["is-leader"], "hook tools are told from other spans by their names");
}

#[test]
fn a_failed_hook_is_found_by_its_root() {
    let spans = failed_hook();
    let found =
        spans.iter().filter(|span| span.attribute("juju.dispatch_path").is_some() && span.is_failed());
    let found: Vec<_> = found.collect();
    assert_eq!(found, spans.roots());
    assert!(found[0].attribute("error.type").is_some());
}
