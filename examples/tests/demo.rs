//! The demo tells its story, to the built-in collector and to any other backend.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tests::collector::{Collector, port_closed_endpoint};
use tests::tree;

const DISPATCHES: [&str; 4] = ["install", "start", "tracing-relation-created", "update-status"];

#[test]
fn it_shows_each_dispatch_and_then_every_trace() {
    let output = demo(&[]);
    let (story, complaints) = texts(&output);
    assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""), "{story}");

    let headings = story.lines().filter_map(|line| line.strip_prefix("── "));
    let headings: Vec<_> = headings.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(headings, DISPATCHES);
    assert_eq!(story.matches("  exit code 0 after ").count(), 4, "{story}");
    let event = |name: &str| format!("DEBUG Emitting Juju event {name}.\n");
    assert!(story.contains(&event("install")) && story.contains(&event("update_status")), "{story}");
    assert_eq!(story.matches(" bytes of traces wait in .charm_tracing_buffer\n").count(), 3, "{story}");
    assert!(story.contains("  app asks over the relation: receivers = [\"otlp_http\"]\n"), "{story}");

    let (_, arrived) = story.split_once(" spans arrived:\n").unwrap();
    assert_eq!(arrived.lines().filter(|line| line.starts_with("  trace ")).count(), 4, "{story}");
    let logged = story.lines().filter_map(|line| line.split_once("Starting root trace with id='"));
    for (_, id) in logged {
        let id = id.trim_end_matches("'.");
        assert!(arrived.contains(&format!("  trace {id}\n")), "{id} is logged and did not arrive:\n{story}");
    }
    let trees = tree::without_durations(arrived);
    let install = "\
  app/0: install event
    method call: RequirerCharm.new
      relation-ids
      method call: RequirerCharm.option
        config-get
    event: install
      method call: RequirerCharm.handle
        method call: RequirerCharm.on_install
          method call: RequirerCharm.set_status
            status-set
          method call: Workload.install
";
    assert!(trees.contains(install), "{story}");
    let end = story.trim_end().lines().last().unwrap();
    assert!(end.starts_with("All 4 traces were delivered to http://127.0.0.1:"), "{end}");
    assert!(end.ends_with(", and nothing is left in the buffer."), "{end}");
}

#[test]
fn with_endpoint_another_backend_gets_the_traces() {
    let collector = Collector::start();
    let output = demo(&["--endpoint", &collector.endpoint()]);
    let (story, complaints) = texts(&output);
    assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""), "{story}");
    assert!(story.contains(&format!("All 4 traces were delivered to {}", collector.endpoint())), "{story}");
    assert_eq!(roots(&collector), DISPATCHES.map(|hook| format!("app/0: {hook} event")));
}

#[test]
fn with_ca_an_https_backend_gets_the_traces() {
    let collector = Collector::start_tls();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ca.crt"), collector.ca_pem()).unwrap();
    let arguments = [format!("--endpoint={}", collector.endpoint()), "--ca=ca.crt".to_owned()];
    let output = demo_in(directory.path(), &arguments.each_ref().map(String::as_str));
    let (story, complaints) = texts(&output);
    assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""), "{story}");
    assert_eq!(roots(&collector).len(), 4);
}

#[test]
fn it_fails_if_the_traces_do_not_arrive() {
    let secure = Collector::start_tls();
    for endpoint in [port_closed_endpoint(), secure.endpoint()] {
        let output = demo(&["--endpoint", &endpoint]);
        let (story, complaints) = texts(&output);
        assert_eq!((output.status.code(), complaints.as_str()), (Some(1), ""), "{story}");
        let end = format!("Not everything was delivered to {endpoint}; the rest waits for the next event.");
        assert_eq!(story.trim_end().lines().last(), Some(end.as_str()));
    }
    assert_eq!(secure.requests().len(), 0);
}

#[test]
fn wrong_arguments_are_named_and_end_it_with_code_2() {
    for (arguments, mistake) in [
        (&["--verbose"][..], "unknown argument --verbose"),
        (&["http://localhost:4318"], "unknown argument http://localhost:4318"),
        (&["--endpoint"], "--endpoint needs a value"),
        (&["--endpoint", "http://localhost:4318", "--ca"], "--ca needs a value"),
        (&["--ca", "Cargo.toml"], "--ca is for an https endpoint: give --endpoint too"),
        (&["--ca", "no-such-file"], "cannot find no-such-file: No such file or directory (os error 2)"),
    ] {
        let output = demo_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments);
        let (story, complaints) = texts(&output);
        assert_eq!((output.status.code(), story.as_str()), (Some(2), ""), "{arguments:?}");
        assert_eq!(complaints.lines().next(), Some(mistake), "{arguments:?}");
        assert!(complaints.contains("Usage: cargo run -p examples"), "{complaints}");
    }
}

#[test]
fn help_is_what_was_asked_for() {
    for argument in ["-h", "--help"] {
        let output = demo(&[argument]);
        let (help, complaints) = texts(&output);
        assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""));
        assert!(help.contains("--endpoint URL") && help.contains("--ca FILE"), "{help}");
    }
}

fn demo(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("temporary directories can be made");
    let output = demo_in(directory.path(), arguments);
    let left = fs::read_dir(directory.path()).expect("the directory is still there").count();
    assert_eq!(left, 0, "the demo leaves nothing behind");
    output
}

fn demo_in(directory: &Path, arguments: &[&str]) -> Output {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.args(arguments).current_dir(directory).output().expect("the demo can be started")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// The names of the roots in the order in which they arrived, after a check that all is whole.
fn roots(collector: &Collector) -> Vec<String> {
    let spans = collector.spans();
    tree::check(&spans).expect("whole traces");
    let roots = spans.into_iter().filter(|span| span.span.parent_span_id.is_empty());
    roots.map(|root| root.span.name).collect()
}
