use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Session, event};

use crate::fixture::{CharmDir, config_changed, request, run, run_with, span, start};

const TWO: &str = "\
TIME                 UNIT   EVENT           DURATION  SPANS  FAILED  TRACE
2026-11-29 09:00:00  app/0  config_changed   12.0 ms      5       1  11111111111111111111111111111111
2026-11-29 09:01:00  app/0  start            5.00 ms      2          22222222222222222222222222222222
";

#[test]
fn the_traces_of_a_charm_directory_are_a_list_and_trees() {
    let charm = CharmDir::with_two_traces();
    let ran = run(["show".as_ref(), charm.path()]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(
        ran.out,
        TWO.to_owned()
            + "
trace 11111111111111111111111111111111
app/0: config-changed event                 12.0 ms  ███████████████████████
  method call: MyCharm.new                  1.90 ms  ████
  event: config_changed                     8.90 ms        █████████████████
    method call: MyCharm.on_config_changed  8.70 ms        █████████████████  ✗ cannot reach <the database>
      relation-get                          5.00 ms          █████████

trace 22222222222222222222222222222222
app/0: start event  5.00 ms  ███████████████████████████████████████████████████████████████████████
  event: start      3.00 ms                ███████████████████████████████████████████
"
    );
}

#[test]
fn traces_are_chosen_by_id_failure_and_duration() {
    let charm = CharmDir::with_two_traces();
    let list = |arguments: &[&str]| {
        let path = charm.path().to_str().expect("a text");
        let ran = run([&["show", path, "--list"][..], arguments].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        let events =
            ran.out.lines().skip(1).map(|line| line.split_whitespace().nth(3).expect("an event").to_owned());
        events.collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), ["config_changed", "start"]);
    assert_eq!(list(&["--trace", "2222"]), ["start"]);
    assert_eq!(list(&["--failed"]), ["config_changed"]);
    assert_eq!(list(&["--slowest=1"]), ["config_changed"]);
    assert_eq!(list(&["--slowest"]), ["config_changed", "start"]);
}

#[test]
fn a_directory_of_traces_and_a_file_are_read_as_well() {
    let charm = CharmDir::with_two_traces();
    for path in [charm.queue(), charm.path().join(".charm_tracing_buffer/")] {
        assert_eq!(run(["show".as_ref(), "--list".as_ref(), path.as_os_str()]).out, TWO);
    }
    let file = charm.queue().join(&charm.waiting()[1]);
    let ran = run(["show".as_ref(), "--list".as_ref(), file.as_os_str()]);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 2), "{}", ran.out);
}

#[test]
fn a_file_of_any_name_is_read_by_its_contents() {
    let charm = CharmDir::new();
    let both = [request(&config_changed()), request(&start())].concat();
    let file = charm.write("from-curl", both);
    assert_eq!(run(["show".as_ref(), "--list".as_ref(), file.as_os_str()]).out, TWO);
}

#[test]
fn the_buffers_of_the_python_library_are_read() {
    let requests = [request(&config_changed()), request(&start())];
    for buffer in [requests.join(&b"__CHARM_TRACING_BUFFER_SPAN_SEP__"[..]), requests.concat()] {
        let charm = CharmDir::new();
        charm.write(".charm_tracing_buffer.raw", buffer);
        let ran = run(["show".as_ref(), "--list".as_ref(), charm.path()]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), TWO, ""));
    }
}

/// The database was written by `ops-tracing` 3.9.0; `.ci/run interop` reads one that it writes there.
#[test]
fn the_database_of_ops_tracing_is_read() {
    let charm = CharmDir::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/fixtures/ops-tracing.db");
    fs::copy(fixture, charm.path().join(".tracing-data.db")).expect("a copy");
    let ran = run(["show".as_ref(), charm.path()]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.contains("pyapp/0  update_status "), "{}", ran.out);
    assert!(
        ran.out.contains("\n    is-leader ") && ran.out.contains("✗ RuntimeError: no such tool"),
        "{}",
        ran.out
    );
}

#[test]
fn what_a_real_dispatch_stores_is_shown_and_what_a_killed_one_left_is_marked() {
    let charm = CharmDir::new();
    let dispatch = || {
        Dispatch::from_vars([
            ("JUJU_UNIT_NAME", "app/0"),
            ("JUJU_DISPATCH_PATH", "hooks/config-changed"),
            ("JUJU_MODEL_NAME", "testing"),
            ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
            ("JUJU_CHARM_DIR", charm.path().to_str().expect("a text")),
        ])
    };
    let session = Session::start(dispatch(), Config::new().buffer_path(charm.queue()));
    let mut journal = None;
    event("migrate", || {
        // The begin of a span is written if a millisecond has passed since the last write.
        thread::sleep(Duration::from_millis(2));
        event("back_up", || {
            let is_journal = |name: &&String| name.ends_with(".journal");
            let name = charm.waiting().iter().find(is_journal).expect("a journal").clone();
            journal = Some((name.clone(), fs::read(charm.queue().join(name)).expect("a journal")));
        });
    });
    session.finish(None);
    let (name, contents) = journal.expect("a journal was written");
    charm.write(&format!(".charm_tracing_buffer/{name}"), contents);

    let ran = run(["show".as_ref(), charm.path()]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let rows: Vec<_> = ran.out.lines().skip(1).take_while(|line| !line.is_empty()).collect();
    assert_eq!(rows.len(), 2, "{}", ran.out);
    assert_eq!(rows.iter().filter(|row| row.ends_with("  interrupted")).count(), 1, "{}", ran.out);
    assert!(ran.out.contains("✗ interrupted\n") && ran.out.contains("event: back_up"), "{}", ran.out);
}

#[test]
fn spans_without_a_unit_are_shown_by_their_service_and_root() {
    let charm = CharmDir::new();
    charm.store(0, &request(&[span(0x33, 1, 0, "GET /\u{1b}[31m", 0, 1)]));
    let ran = run(["show".as_ref(), "--list".as_ref(), charm.path()]);
    assert!(ran.out.contains("  GET / [31m  "), "no escape sequence reaches the terminal: {:?}", ran.out);
}

#[test]
fn colours_are_for_terminals_or_whoever_asks_for_them() {
    let charm = CharmDir::with_two_traces();
    let arguments = ["show".as_ref(), charm.path()];
    assert!(!run(arguments).out.contains('\u{1b}'));
    let coloured = run_with("CLICOLOR_FORCE", "1", arguments).out;
    assert!(coloured.contains("\u{1b}[1mtrace 1111"), "{coloured}");
    assert!(coloured.contains("\u{1b}[31m✗ cannot reach"), "{coloured}");
}

#[test]
fn where_no_trace_waits_the_list_is_empty_and_all_is_well() {
    let charm = CharmDir::new();
    charm.write("metadata.yaml", "name: app");
    charm.write("src/grafana.json", "{}");
    let ran = run(["show".as_ref(), charm.path()]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    assert!(ran.err.contains("no such traces"), "{}", ran.err);
}
