//! Every hook tool that tracing runs, over the agent's socket and as a process, broken in every way in which it can be: the charm does not panic, ends in
//! time, says what went wrong if it is the charm's to say, and the trace is delivered, or waits.
//!
//! The meaning of a fault depends on the tool: nothing where tracing can do without the answer, and else that there is no
//! endpoint yet. It is never an error of the hook, wherever the charm asks. What earlier dispatches have learned is not
//! asked again, so all of that is for dispatches that have to ask.
//!
//! To a backend it is another matter: what it cannot read could be a request that was withdrawn, so it must not publish.
//! Its hook fails, and Juju runs it again; who carries on has told those whom it could tell.

use std::thread;
use std::time::Duration;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome, Relation, ToolFault};
use serde_json::json;

use crate::unit::{
    EITHER_WAY, METADATA, Way, authorities_charm, backend_charm, delivered, notices, relate, relation_charm,
    session_charm, waiting,
};
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
    for (ask, way) in ASK.into_iter().flat_map(|ask| EITHER_WAY.map(|way| (ask, way))) {
        let (collector, mut juju, _) = related_leader(way);
        for tool in &TOOLS {
            juju.break_tool(tool.name, Hangs);
        }
        let outcome = juju.dispatch(impatient(ask));
        assert!(outcome.duration < LONGEST, "{ask}: {outcome}");
        assert!(outcome.success(), "{ask}: {outcome}");
        assert_eq!((waiting(&juju), collector.requests().len()), (1, 0), "{ask}: {outcome}");
    }
}

#[test]
fn what_is_known_from_earlier_dispatches_needs_no_tool() {
    let (collector, mut juju, _) = related_leader(Juju::over_processes);
    // The second finds published what the first has requested.
    for _ in 0..2 {
        assert!(juju.dispatch(update_status("early")).success());
    }
    for tool in &TOOLS {
        juju.break_tool(tool.name, Missing);
    }
    for ask in ASK {
        let outcome = juju.dispatch(update_status(ask));
        assert_the_charm_worked(ask, &outcome);
    }
    assert_eq!((waiting(&juju), collector.requests().len()), (0, 5));
}

#[test]
fn a_tool_of_the_charms_own_that_fails_is_the_charms_error() {
    for way in EITHER_WAY {
        let (collector, mut juju, _) = related_leader(way);
        juju.break_tool("status-set", Killed);
        let outcome = juju.dispatch(update_status("early"));
        assert_eq!(outcome.code(), Some(1), "{outcome}");
        assert!(outcome.stderr.contains("status-set"), "{outcome}");
        assert_eq!((waiting(&juju), collector.requests().len()), (0, 1), "the trace shows it: {outcome}");
    }
}

/// Breaks each tool by itself, in a unit of its own, and mends it again. The units stand side by side: they mostly wait.
fn every_tool_in_turn(what: &str, fault: ToolFault) {
    thread::scope(|scope| {
        for tool in &TOOLS {
            scope.spawn(move || {
                for (ask, way) in ASK.into_iter().flat_map(|ask| EITHER_WAY.map(|way| (ask, way))) {
                    break_and_mend(tool, fault, ask, way, &format!("{}: {what}, asked {ask}", tool.name));
                }
            });
        }
    });
}

fn break_and_mend(tool: &Tool, fault: ToolFault, ask: &str, way: Way, case: &str) {
    let (collector, mut juju, relation) = related_leader(way);
    juju.break_tool(tool.name, fault);
    let outcome = juju.dispatch(if fault == Hangs { impatient(ask) } else { update_status(ask) });

    let answered = outcome.calls.iter().any(|call| call[0] == tool.name);
    assert!(!answered, "{case}: it is not broken: {outcome}");
    assert_eq!(outcome.stdout, "", "{case}: {outcome}");
    assert!(outcome.duration < LONGEST, "{case}: {outcome}");
    assert!(!outcome.stderr.contains("panicked"), "{case}: {outcome}");
    assert_the_charm_worked(case, &outcome);
    assert_eq!(collector.requests().len(), usize::from(!tool.needed), "{case}: {outcome}");
    assert_eq!(waiting(&juju), usize::from(tool.needed), "{case}: {outcome}");

    juju.break_tool(tool.name, None);
    let mended = juju.dispatch(update_status(ask));
    assert_the_charm_worked(case, &mended);
    assert_eq!((waiting(&juju), collector.requests().len()), (0, 2), "{case}, mended: {mended}");
    assert_eq!(requested(&relation), r#"["otlp_http"]"#, "{case}, mended: {mended}");
}

/// As without tracing.
#[track_caller]
fn assert_the_charm_worked(case: &str, outcome: &Outcome) {
    assert!(outcome.success(), "{case}: {outcome}");
    assert_eq!(outcome.stderr, "", "{case}: {outcome}");
    assert_eq!(outcome.unit_status.status, "active", "{case}: {outcome}");
}

fn update_status(ask: &str) -> Event {
    Event::hook("update-status").env("ASK", ask)
}

fn impatient(ask: &str) -> Event {
    update_status(ask).env("TOOL_MILLISECONDS", PATIENCE)
}

/// Returns the protocols that the unit's application has requested of the backend.
fn requested(relation: &Relation) -> String {
    relation.local_app_data().remove("receivers").unwrap_or_default()
}

/// A charm that leads its application, and is related to a healthy backend that it has not asked for anything yet.
fn related_leader(way: Way) -> (Collector, Juju, Relation) {
    let collector = Collector::start();
    let mut juju = way(relation_charm());
    juju.set_leader(true);
    let relation = relate(&mut juju, &collector.endpoint());
    (collector, juju, relation)
}

/// The effect of a broken tool on a backend's hook.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It fails, and whoever carries on all the same has told nobody.
    NobodyIsTold,
    /// It fails, and whoever carries on all the same has told the others.
    OthersAreTold,
    /// It succeeds: the relation is just going.
    OthersAreToldAndAllIsWell,
}

const GONE: ToolFault = Exits(2, "ERROR invalid value \"tracing:2\" for option -r: relation not found\n");
const REFUSED: ToolFault = Exits(1, "ERROR permission denied\n");
const SHUT_DOWN: ToolFault = Exits(1, "ERROR connection is shut down\n");

/// The tool, for which argument it is broken, how, and the backend's fate. It has the relations 1 to 3.
const OF_A_BACKEND: [(&str, &str, ToolFault, Fate); 27] = [
    ("relation-get", "tracing:2", SHUT_DOWN, Fate::NobodyIsTold),
    ("relation-get", "tracing:2", Exits(2, "ERROR no unit or application specified\n"), Fate::NobodyIsTold),
    ("relation-get", "tracing:2", Killed, Fate::NobodyIsTold),
    ("relation-get", "tracing:2", Hangs, Fate::NobodyIsTold),
    ("relation-get", "tracing:2", Prints(b"<html>"), Fate::NobodyIsTold),
    ("relation-get", "tracing:2", Prints(b"[]"), Fate::NobodyIsTold),
    ("relation-get", "tracing:2", Prints(b""), Fate::NobodyIsTold),
    ("relation-get", "tracing:2", Prints(b"\xff"), Fate::NobodyIsTold),
    ("relation-get", "tracing:2", Floods(40_000_000), Fate::NobodyIsTold),
    ("relation-get", "tracing:2", GONE, Fate::OthersAreToldAndAllIsWell),
    ("relation-get", "tracing:2", REFUSED, Fate::OthersAreToldAndAllIsWell),
    ("relation-list", "tracing:2", SHUT_DOWN, Fate::NobodyIsTold),
    ("relation-list", "tracing:2", Hangs, Fate::NobodyIsTold),
    ("relation-list", "tracing:2", Prints(b"7"), Fate::NobodyIsTold),
    ("relation-list", "tracing:2", GONE, Fate::OthersAreToldAndAllIsWell),
    ("relation-set", "tracing:2", SHUT_DOWN, Fate::OthersAreTold),
    ("relation-set", "tracing:2", Exits(3, "Unhandled panic: \nrelation not found\n"), Fate::OthersAreTold),
    ("relation-set", "tracing:2", Killed, Fate::OthersAreTold),
    ("relation-set", "tracing:2", Hangs, Fate::OthersAreTold),
    ("relation-set", "tracing:2", GONE, Fate::OthersAreToldAndAllIsWell),
    ("relation-set", "tracing:2", REFUSED, Fate::OthersAreToldAndAllIsWell),
    ("relation-get", "", Missing, Fate::NobodyIsTold),
    ("relation-list", "", Missing, Fate::NobodyIsTold),
    ("relation-set", "", Missing, Fate::NobodyIsTold),
    ("relation-ids", "tracing", Hangs, Fate::NobodyIsTold),
    ("is-leader", "", Killed, Fate::NobodyIsTold),
    ("is-leader", "", Prints(b"maybe"), Fate::NobodyIsTold),
];

#[test]
fn a_backend_that_cannot_read_a_request_tells_nobody_and_one_that_cannot_tell_one_charm_tells_the_others() {
    for cases in OF_A_BACKEND.chunks(9) {
        thread::scope(|scope| {
            for (tool, argument, fault, fate) in cases {
                for way in EITHER_WAY {
                    scope.spawn(move || break_a_backend(way, tool, argument, *fault, *fate));
                }
            }
        });
    }
}

fn break_a_backend(way: Way, tool: &str, argument: &str, fault: ToolFault, fate: Fate) {
    let collector = Collector::start();
    let mut juju = way(backend_charm());
    juju.set_leader(true);
    let relations = ["one", "two", "three"].map(|app| juju.relate("tracing", app));
    let all = relations.each_ref().map(Relation::id);
    assert_eq!(all, [1, 2, 3]);
    for (relation, protocol) in relations.iter().zip(["otlp_http", "zipkin", "jaeger_grpc"]) {
        relation.set_remote_app_data("receivers", &json!([protocol]).to_string());
    }
    let told = || -> Vec<u32> {
        relations.iter().filter(|relation| !relation.local_app_data().is_empty()).map(Relation::id).collect()
    };
    let event = |event: Event| event.env("TRACE_ENDPOINT", &collector.endpoint());
    let impatient = |what: Event| {
        let patience = if fault == Hangs { PATIENCE } else { "60000" };
        event(what).env("TOOL_MILLISECONDS", patience)
    };
    juju.break_tool_for(tool, argument, fault);
    // A relation's own hook says who is at the other end, so that nobody asks.
    let own = if tool == "relation-list" { &relations[2] } else { &relations[1] };
    for what in [Event::hook("update-status"), Event::relation_changed(own).by_application()] {
        let case = format!("{tool} {argument}: {fault:?} in {what:?}");
        let outcome = juju.dispatch(impatient(what.clone()));
        let is_well = fate == Fate::OthersAreToldAndAllIsWell;
        assert_eq!(outcome.code(), Some(i32::from(!is_well)), "{case}: {outcome}");
        assert!(outcome.duration < LONGEST && !outcome.stderr.contains("panicked"), "{case}: {outcome}");
        assert_eq!(told(), if is_well { vec![1, 3] } else { vec![] }, "{case}: {outcome}");

        let outcome = juju.dispatch(impatient(what).env("CARRY_ON", "1"));
        assert!(outcome.success(), "{case}: {outcome}");
        let others = if fate == Fate::NobodyIsTold { vec![] } else { vec![1, 3] };
        assert_eq!(told(), others, "{case}: {outcome}");
        assert_eq!(
            notices(&outcome).iter().any(|told| told.starts_with("ERROR")),
            !is_well,
            "{case}: {outcome}"
        );
        for relation in relations.iter().filter(|relation| others.contains(&relation.id())) {
            relation.set_local_app_data("receivers", "");
        }
    }
    assert_eq!((waiting(&juju), collector.requests().len()), (0, 4), "{tool}: every trace is delivered");

    juju.break_tool_for(tool, argument, None);
    let mended = juju.dispatch(event(Event::hook("update-status")));
    assert!(mended.success(), "{tool}: {mended}");
    assert_eq!(told(), all, "{tool}: {mended}");
}

/// The tools with which certificates are read, and the argument by which their calls are told from others.
const OF_AUTHORITIES: [(&str, &str); 3] = [
    ("relation-ids", "receive-ca-cert"),
    ("relation-list", "receive-ca-cert:2"),
    ("relation-get", "receive-ca-cert:2"),
];

#[test]
fn without_the_tools_that_read_certificates_the_trace_waits_and_one_warning_says_so() {
    let faults =
        [SHUT_DOWN, Exits(2, "ERROR option provided but not defined\n"), Killed, Hangs, Prints(b"7")];
    let faults = faults.into_iter().chain([Prints(b"<html>"), Prints(b"\xff"), Floods(40_000_000)]);
    thread::scope(|scope| {
        for (tool, argument) in OF_AUTHORITIES {
            let faults = faults.clone();
            scope.spawn(move || {
                faults.for_each(|fault| {
                    for way in EITHER_WAY {
                        break_the_authorities(way, tool, argument, fault);
                    }
                });
            });
        }
    });
}

/// Breaks a tool of a charm with the attribute, and of one with a `Session`. Both may take as long for each tool as for the delivery.
fn break_the_authorities(way: Way, tool: &str, argument: &str, fault: ToolFault) {
    let by_hand = session_charm()
        .metadata(&format!("{METADATA}  receive-ca-cert:\n    interface: certificate_transfer\n"));
    for charm in [by_hand, authorities_charm()] {
        let collector = Collector::start_tls();
        let mut juju = way(charm);
        let _ = relate(&mut juju, &collector.endpoint());
        let ca = juju.relate("receive-ca-cert", "ca");
        assert_eq!(ca.id(), 2);
        ca.set_remote_app_data("certificates", &json!([collector.ca_pem()]).to_string());
        let event = || {
            let event = Event::hook("update-status").env("TRACE_ENDPOINT", &collector.endpoint());
            event.env("TRACE_CA_RELATION", "receive-ca-cert")
        };
        let case = format!("{tool}: {fault:?}");

        juju.break_tool_for(tool, argument, fault);
        let outcome = juju.dispatch(event());
        assert!(outcome.success() && outcome.duration < LONGEST, "{case}: {outcome}");
        assert_eq!(outcome.stderr, "", "{case}: {outcome}");
        assert_eq!((waiting(&juju), collector.requests().len()), (1, 0), "{case}: {outcome}");
        let said = notices(&outcome);
        let expected = "WARNING cannot send traces to an https endpoint: its CA certificate is to come over \
                        `receive-ca-cert`";
        assert!(said.len() == 1 && said[0].starts_with(expected), "{case}: {outcome}");

        juju.break_tool_for(tool, argument, None);
        let mended = juju.dispatch(event());
        assert!(mended.success() && notices(&mended).is_empty(), "{case}: {mended}");
        assert_eq!((waiting(&juju), delivered(&collector).len()), (0, 2), "{case}: {mended}");
    }
}
