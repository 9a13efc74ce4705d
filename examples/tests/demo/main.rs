//! The demo tells its story, to the built-in collector and to any other backend.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use charm_testing::Trace;
use charm_testing::collector::{Answer, Collector, port_closed_endpoint};
use tests::picture::without_durations;

mod surroundings;

/// Those of the unit that is traced.
const DISPATCHES: [&str; 7] = [
    "install",
    "start",
    "tracing-relation-created",
    "tracing-relation-changed",
    "tracing-relation-joined",
    "tracing-relation-changed",
    "update-status",
];

#[test]
fn it_shows_each_dispatch_and_then_every_trace() {
    let output = demo(&[]);
    let (story, complaints) = texts(&output);
    assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""), "{story}");

    let (before, arrived) = story.split_once(" spans arrived:\n").unwrap();
    let shown = without_measures(before);
    assert_eq!(shown.lines().filter_map(hook_of_app).collect::<Vec<_>>(), DISPATCHES, "{story}");
    assert_eq!(shown.matches("exit code 0\n").count(), 7 + 6, "{story}");
    let event = |name: &str| format!("DEBUG Emitting Juju event {name}.\n");
    assert!(shown.contains(&event("install")) && shown.contains(&event("update_status")), "{story}");
    assert_eq!(shown.matches("waiting in .charm_tracing_buffer: ").count(), 3, "{story}");
    let (_, listing) = shown.split_once("$ ls -l .charm_tracing_buffer\n").unwrap();
    assert_eq!(ids_in(listing), ids_logged(before)[..2], "{story}");
    let (_, port) = shown.split_once(" --config otlp-http-port=").unwrap();
    assert!(shown.contains(&conversation(port.lines().next().unwrap())), "{story}");

    assert_eq!(arrived.lines().filter(|line| line.starts_with("  trace ")).count(), 7, "{story}");
    for id in ids_logged(&story) {
        assert!(arrived.contains(&format!("  trace {id}\n")), "{id} is logged and did not arrive:\n{story}");
    }
    let trees = without_durations(arrived);
    let install = "\
  app/0: install event
    method call: RequirerCharm.new
      relation-ids
      config-get
    event: install
      method call: RequirerCharm.handle
        method call: RequirerCharm.on_install
          status-set
          method call: Workload.install
";
    assert!(trees.contains(install), "{story}");
    let update_status = "\
  app/0: update-status event
    method call: RequirerCharm.new
      config-get
    event: update_status
";
    assert!(trees.contains(update_status), "it asks nobody about the relation any more:\n{story}");
    let end = story.trim_end().lines().last().unwrap();
    assert!(end.starts_with("All 7 traces were delivered to http://127.0.0.1:"), "{end}");
    assert!(end.ends_with(", and none waits any more."), "{end}");
}

#[test]
fn it_ends_with_the_page_of_the_traces_and_says_where_that_is() {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("traces.html");
    let output = demo(&["--page", page.to_str().unwrap()]);
    let (story, complaints) = texts(&output);
    assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""), "{story}");
    let line = format!("\nThe same as a page to open in a browser: {}\n", page.display());
    assert!(story.contains(&line), "{story}");
    let page = fs::read_to_string(page).unwrap();
    for id in ids_logged(&story) {
        assert!(page.contains(id), "{id} is logged and not in the page");
    }

    let output = demo(&["--page", "/no/such/directory/traces.html"]);
    let (story, _) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "the traces arrived all the same: {story}");
    assert!(story.contains("\ncannot write the page of the traces: No such file or directory"), "{story}");
}

#[test]
fn with_endpoint_another_backend_gets_the_traces() {
    let collector = Collector::start();
    let output = demo(&["--endpoint", &collector.endpoint()]);
    let (story, complaints) = texts(&output);
    assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""), "{story}");
    assert!(story.contains(&format!("All 7 traces were delivered to {}", collector.endpoint())), "{story}");
    assert_eq!(roots(&collector), DISPATCHES.map(|hook| format!("app/0: {hook} event")));

    let (before, ids) =
        story.split_once("\nAll of them, to look them up at the backend by their ids:\n\n").unwrap();
    let ids: Vec<_> = ids.lines().map_while(|line| line.strip_prefix("  ")).collect();
    let expected = collector.trace_ids().into_iter().zip(roots(&collector));
    assert_eq!(ids, expected.map(|(id, root)| format!("{id}  {root}")).collect::<Vec<_>>(), "{story}");

    let (_, drawn) =
        before.split_once("The traces that waited on disk, as their files had them:\n\n").unwrap();
    let waited: Trace = collector.trace().traces().into_iter().take(3).flatten().collect();
    let pictured = without_durations(&waited.picture(0));
    let shown = without_durations(drawn);
    assert_eq!(shown.replace("\n  ", "\n").trim(), pictured.trim(), "{story}");
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
    assert_eq!(roots(&collector), DISPATCHES.map(|hook| format!("app/0: {hook} event")));
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
fn it_fails_if_the_backend_refuses_the_traces() {
    let collector = Collector::start();
    collector.answer(Answer::Status(400));
    let output = demo(&["--endpoint", &collector.endpoint()]);
    let (story, complaints) = texts(&output);
    assert_eq!((output.status.code(), complaints.as_str()), (Some(1), ""), "{story}");
    assert!(story.contains("           unit-app-0: WARNING tracing:1: "), "{story}");
    assert!(!story.contains("delivered\n"), "{story}");
}

#[test]
fn an_endpoint_reaches_the_charm_with_all_its_parts() {
    let collector = Collector::start();
    let endpoint = collector.endpoint().replace("http://", "http://user:secret@") + "/my-model-tempo/";
    let (story, _) = texts(&demo(&["--endpoint", &endpoint]));
    assert_ne!(collector.requests().len(), 0, "{story}");
    for request in collector.requests() {
        assert_eq!(request.path, "/my-model-tempo/v1/traces");
        assert!(request.header("authorization").is_some_and(|value| value.starts_with("Basic ")));
    }

    // Nobody listens there; what counts is what is published.
    for (endpoint, published) in [
        ("http://[::1]:1", "http://[::1]:1"),
        ("http://localhost.invalid", "http://localhost.invalid:80"),
        ("https://localhost.invalid/tempo", "https://localhost.invalid:443/tempo"),
    ] {
        let (story, _) = texts(&demo(&["--endpoint", endpoint]));
        assert!(story.contains(&format!("\"url\": \"{published}\"}}]\n")), "{story}");
    }
}

#[test]
fn wrong_arguments_are_named_and_end_it_with_code_2() {
    for (arguments, mistake) in [
        (&["--verbose"][..], "unknown argument --verbose"),
        (&["http://localhost:4318"], "unknown argument http://localhost:4318"),
        (&["--endpoint"], "--endpoint needs a value"),
        (&["--endpoint", "http://localhost:4318", "--ca"], "--ca needs a value"),
        (&["--endpoint", "localhost"], "localhost is not an endpoint such as http://localhost:4318"),
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

/// Returns the demo's lines about the hooks that the integration runs.
fn conversation(port: &str) -> String {
    let receivers =
        r#"[{"protocol": {"name": "otlp_http", "type": "http"}, "url": "http://127.0.0.1:PORT"}]"#;
    "
$ juju integrate app:tracing tempo:tracing

  app/0    tracing-relation-created  exit code 0
           publishes receivers = [\"otlp_http\"]
           waiting in .charm_tracing_buffer: 3 traces
  tempo/0  tracing-relation-created  exit code 0
           publishes receivers = RECEIVERS
  app/0    tracing-relation-changed  exit code 0
           4 traces were delivered: its own, and those that have waited
  tempo/0  tracing-relation-changed  exit code 0
  app/0    tracing-relation-joined   exit code 0
           its trace was delivered
  tempo/0  tracing-relation-joined   exit code 0
  app/0    tracing-relation-changed  exit code 0
           its trace was delivered
  tempo/0  tracing-relation-changed  exit code 0
"
    .replace("RECEIVERS", receivers)
    .replace("PORT", port)
}

/// The trace ids that are in Juju's log, in this order.
fn ids_logged(story: &str) -> Vec<&str> {
    let logged = story.lines().filter_map(|line| line.split_once("Starting root trace with id='"));
    logged.map(|(_, id)| id.trim_end_matches("'.")).collect()
}

/// The trace ids in the names of the files that `ls -l` shows, which only their owner can read.
fn ids_in(listing: &str) -> Vec<&str> {
    let files = listing.lines().take_while(|line| !line.is_empty());
    let private = files.filter(|line| line.starts_with("  -rw-------"));
    let traces = private.filter_map(|line| line.strip_suffix(".otlp"));
    traces.map(|line| line.rsplit('-').nth(1).expect("it has a checksum")).collect()
}

/// Without what is another in every run: milliseconds and bytes.
fn without_measures(story: &str) -> String {
    let line = |line: &str| match (line.split_once(" after "), line.strip_suffix(" bytes")) {
        (Some((before, _)), _) => before.to_owned(),
        (_, Some(before)) => before.rsplit_once(", ").expect("a count of traces").0.to_owned(),
        _ => line.to_owned(),
    };
    story.lines().map(|each| line(each) + "\n").collect()
}

/// The hook whose dispatch this line of the story is about, if it is one of the traced unit.
fn hook_of_app(line: &str) -> Option<&str> {
    line.strip_prefix("── ").or_else(|| line.strip_prefix("  app/0  "))?.split_whitespace().next()
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// The names of the roots in the order in which they arrived, after a check that all is whole.
fn roots(collector: &Collector) -> Vec<String> {
    let spans = collector.trace();
    spans.check().expect("whole traces");
    let roots = spans.into_iter().filter(|span| span.parent_span_id.is_none());
    roots.map(|root| root.name).collect()
}
