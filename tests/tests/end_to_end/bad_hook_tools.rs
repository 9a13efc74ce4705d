//! Every hook tool that tracing runs, broken in every way in which a process can be: the charm does not panic, ends in
//! time, says what went wrong if it is the charm's to say, and the trace is delivered, or waits.
//!
//! What a fault means depends on the tool: nothing where tracing can do without the answer, and else that there is no
//! endpoint yet. It is never an error of the hook, wherever the charm asks. What earlier dispatches have learned is not
//! asked again, so all of that is for dispatches that have to ask.

use std::thread;
use std::time::Duration;

use tests::collector::Collector;
use tests::juju::{Event, Outcome, SimulatedJuju, ToolFault};

use crate::unit::{relate, relation_charm, waiting};
use ToolFault::{Exits, Floods, Hangs, Killed, Missing, Prints};

struct Tool {
    name: &'static str,
    /// Without its answer there is no endpoint.
    needed: bool,
}

/// The tools that tracing runs in a hook that is not the relation's, in a leader that has not requested anything yet.
const TOOLS: [Tool; 6] = [
    Tool { name: "relation-ids", needed: true },
    // Whoever does not know that it leads does as a follower does.
    Tool { name: "is-leader", needed: false },
    Tool { name: "relation-list", needed: true },
    Tool { name: "relation-get", needed: true },
    // The request is made by a later dispatch; this backend publishes without one.
    Tool { name: "relation-set", needed: false },
    Tool { name: "juju-log", needed: false },
];

/// When the charm asks for its endpoint, see its source.
const ASK: [&str; 3] = ["early", "late", "by-hand"];

/// How long each tool may take where one hangs.
const PATIENCE: &str = "800";

/// How long a dispatch may take, whatever its tools do.
const LONGEST: Duration = Duration::from_secs(10);

#[test]
fn a_tool_that_is_missing() {
    every_tool_in_turn("missing", Missing);
}

#[test]
fn a_tool_that_fails() {
    every_tool_in_turn("exit 1", Exits(1, "ERROR connection is shut down\n"));
}

#[test]
fn a_tool_that_refuses_its_command_line() {
    every_tool_in_turn("exit 2", Exits(2, "ERROR option provided but not defined: --format\n"));
}

#[test]
fn a_tool_that_panics() {
    let panic =
        "Unhandled panic: \nrelation not found: permission denied\ngoroutine 1 [running]:\nmain.Main()\n";
    every_tool_in_turn("exit 3", Exits(3, panic));
}

#[test]
fn a_tool_that_may_not_be_executed_by_its_wrapper() {
    every_tool_in_turn("exit 126", Exits(126, "sh: 1: /usr/bin/jujuc: Permission denied\n"));
}

#[test]
fn a_tool_that_is_killed() {
    every_tool_in_turn("killed", Killed);
}

#[test]
fn a_tool_that_prints_no_text() {
    every_tool_in_turn("not UTF-8", Prints(b"\xff\xfe[\x80]\n"));
}

#[test]
fn a_tool_that_prints_no_json() {
    every_tool_in_turn("not JSON", Prints(b"<html><title>502 Bad Gateway</title></html>\n"));
}

#[test]
fn a_tool_that_prints_json_of_another_type() {
    every_tool_in_turn("a number", Prints(b"7\n"));
}

#[test]
fn a_tool_that_prints_nothing() {
    every_tool_in_turn("nothing", Prints(b""));
}

#[test]
fn a_tool_that_prints_ten_megabytes() {
    every_tool_in_turn("10 MB", Floods(10_000_000));
}

#[test]
fn a_tool_that_prints_more_than_is_read() {
    every_tool_in_turn("40 MB", Floods(40_000_000));
}

#[test]
fn a_tool_that_hangs() {
    every_tool_in_turn("hangs", Hangs);
}

#[test]
fn all_tools_hang_and_the_dispatch_ends_in_time() {
    for ask in ASK {
        let (collector, mut juju) = related_leader();
        for tool in &TOOLS {
            juju.break_tool(tool.name, Hangs);
        }
        let outcome = juju.dispatch(impatient(ask));
        assert!(outcome.wall < LONGEST, "{ask}: {outcome}");
        assert!(outcome.success(), "{ask}: {outcome}");
        assert_eq!((waiting(&juju), collector.requests().len()), (1, 0), "{ask}: {outcome}");
    }
}

#[test]
fn what_is_known_from_earlier_dispatches_needs_no_tool() {
    let (collector, mut juju) = related_leader();
    // The second finds published what the first has requested.
    for _ in 0..2 {
        assert!(juju.dispatch(update_status("early")).success());
    }
    for tool in &TOOLS {
        juju.break_tool(tool.name, Missing);
    }
    for ask in ASK {
        let outcome = juju.dispatch(update_status(ask));
        assert_the_charm_worked(ask, &juju, &outcome);
    }
    assert_eq!((waiting(&juju), collector.requests().len()), (0, 5));
}

#[test]
fn a_tool_of_the_charms_own_that_fails_is_the_charms_error() {
    let (collector, mut juju) = related_leader();
    juju.break_tool("status-set", Killed);
    let outcome = juju.dispatch(update_status("early"));
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    assert!(outcome.stderr.contains("status-set"), "{outcome}");
    assert_eq!((waiting(&juju), collector.requests().len()), (0, 1), "the trace shows it: {outcome}");
}

/// Breaks each tool by itself, in a unit of its own, and mends it again. The units stand side by side: they mostly wait.
fn every_tool_in_turn(what: &str, fault: ToolFault) {
    thread::scope(|scope| {
        for tool in &TOOLS {
            scope.spawn(move || {
                for ask in ASK {
                    break_and_mend(tool, fault, ask, &format!("{}: {what}, asked {ask}", tool.name));
                }
            });
        }
    });
}

fn break_and_mend(tool: &Tool, fault: ToolFault, ask: &str, case: &str) {
    let (collector, mut juju) = related_leader();
    juju.break_tool(tool.name, fault);
    let outcome = juju.dispatch(if fault == Hangs { impatient(ask) } else { update_status(ask) });

    let answered = outcome.calls.iter().any(|call| call[0] == tool.name);
    assert!(!answered, "{case}: it is not broken: {outcome}");
    assert_eq!(outcome.stdout, "", "{case}: {outcome}");
    assert!(outcome.wall < LONGEST, "{case}: {outcome}");
    assert!(!outcome.stderr.contains("panicked"), "{case}: {outcome}");
    assert_the_charm_worked(case, &juju, &outcome);
    assert_eq!(collector.requests().len(), usize::from(!tool.needed), "{case}: {outcome}");
    assert_eq!(waiting(&juju), u32::from(tool.needed), "{case}: {outcome}");

    juju.break_tool(tool.name, None);
    let mended = juju.dispatch(update_status(ask));
    assert_the_charm_worked(case, &juju, &mended);
    assert_eq!((waiting(&juju), collector.requests().len()), (0, 2), "{case}, mended: {mended}");
    assert_eq!(requested(&juju), r#"["otlp_http"]"#, "{case}, mended: {mended}");
}

/// As without tracing.
#[track_caller]
fn assert_the_charm_worked(case: &str, juju: &SimulatedJuju, outcome: &Outcome) {
    assert!(outcome.success(), "{case}: {outcome}");
    assert_eq!(outcome.stderr, "", "{case}: {outcome}");
    assert_eq!(juju.model().status().status, "active", "{case}: {outcome}");
}

fn update_status(ask: &str) -> Event {
    Event::hook("update-status").env("ASK", ask)
}

fn impatient(ask: &str) -> Event {
    update_status(ask).env("TOOL_MILLISECONDS", PATIENCE)
}

/// What the unit's application has requested of the backend.
fn requested(juju: &SimulatedJuju) -> String {
    juju.model().local_app_data(1).remove("receivers").unwrap_or_default()
}

/// A charm that leads its application, and is related to a healthy backend that it has not asked for anything yet.
fn related_leader() -> (Collector, SimulatedJuju) {
    let collector = Collector::start();
    let mut juju = relation_charm().start();
    juju.model().set_leader(true);
    assert_eq!(relate(&mut juju, &collector.endpoint()), 1);
    (collector, juju)
}
