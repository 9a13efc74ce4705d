//! An agent that dies, is restarted or hangs, and a charm that could not connect to it again.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use charm_testing::{Event, Juju, ToolFault};
use tracing_relation::juju::testing::{Agent, AgentAnswer, AgentRequest, HookContext, Model};

use crate::unit::{EITHER_WAY, act, as_processes, assert_succeeded, over_the_socket, succeed};

/// How long a dispatch may take in which the log hangs: all lines together a second, and the rest is for a busy machine.
const LONGEST: Duration = Duration::from_secs(3);

/// Answers a request of a hook tool.
pub(crate) fn answer(model: &Model, request: AgentRequest) -> AgentAnswer {
    let AgentRequest { tool, args, stdin, .. } = request;
    if stdin.is_none() && args.iter().any(|arg| arg == "--file=-") {
        return AgentAnswer::NeedsStdin;
    }
    AgentAnswer::Done(model.run_tool(
        &HookContext::new(),
        &[vec![tool], args].concat(),
        &stdin.unwrap_or_default(),
    ))
}

#[test]
fn the_charm_goes_on_after_an_answer_that_is_lost() {
    for (way, kind) in EITHER_WAY.into_iter().zip(["AnswerLost", "Failed"]) {
        let mut juju = way();
        juju.break_tool("is-leader", ToolFault::Killed);
        assert_eq!(succeed(&mut juju, act("lose-an-answer")), format!("{kind}\n"));
        // What tracing itself says is nothing to the hook.
        juju.break_tool("juju-log", ToolFault::Killed);
        assert_eq!(succeed(&mut juju, act("lose-an-answer")), format!("{kind}\n"));
    }
}

#[test]
fn the_agent_may_be_restarted_while_the_charm_handles_an_event() {
    let mut juju = over_the_socket();
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("agent.socket").display().to_string();
    let (model, charm) = (Model::new("app/0"), juju.charm_dir());
    let processes = Arc::new(Mutex::new(BTreeSet::new()));
    let listen = || {
        let (model, processes) = (model.clone(), Arc::clone(&processes));
        let answer = move |request: AgentRequest| {
            processes.lock().expect("not poisoned").insert(request.process);
            answer(&model, request)
        };
        Agent::listen(&socket, answer).expect("a socket")
    };
    let agent = listen();
    thread::scope(|scope| {
        scope.spawn(|| {
            wait_for_file(&charm, "restart");
            drop(agent);
            let _agent = listen();
            fs::write(charm.join("restarted"), "").expect("the charm directory");
            wait_for_file(&charm, "is-over");
        });
        let outcome = juju.dispatch(act("outlive-the-agent").env("JUJU_AGENT_SOCKET_ADDRESS", &socket));
        fs::write(charm.join("is-over"), "").expect("the charm directory");
        assert_succeeded(&juju, &outcome);
    });
    assert_eq!(processes.lock().expect("not poisoned").len(), 1, "all is asked by the charm itself");
}

fn wait_for_file(charm: &Path, name: &str) {
    let started = Instant::now();
    while !charm.join(name).exists() && started.elapsed() < Duration::from_secs(30) {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_agent_that_hangs_costs_a_second() {
    for way in EITHER_WAY {
        let mut juju = way();
        juju.break_tool("juju-log", ToolFault::Hangs);
        assert_quick(&mut juju, act("nothing"));
    }
}

#[test]
fn an_agent_that_accepts_nothing_costs_a_second() {
    for way in [over_the_socket, as_processes] {
        let mut juju = way();
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("agent.socket");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        let socket = socket.display().to_string();
        assert_quick(&mut juju, act("nothing").env("JUJU_AGENT_SOCKET_ADDRESS", &socket));
    }
}

#[track_caller]
fn assert_quick(juju: &mut Juju, event: Event) {
    let outcome = juju.dispatch(event);
    assert_succeeded(juju, &outcome);
    assert!(outcome.duration < LONGEST, "{outcome}");
}

#[test]
fn the_connection_is_kept_by_a_charm_that_drops_its_privileges() {
    keeps_the_connection("drop-privileges", 0o755);
    // Then the charm sees its hook tools no more.
    keeps_the_connection("drop-privileges", 0o700);
}

#[test]
fn the_connection_is_kept_by_a_charm_that_changes_its_root() {
    keeps_the_connection("change-root", 0o755);
}

#[test]
fn the_connection_is_kept_by_a_charm_that_leaves_the_network() {
    keeps_the_connection("leave-the-network", 0o755);
}

/// Only root can do what the charm does here; as another user it just uses its hook tools. The mode is that of the unit's
/// directory.
#[track_caller]
fn keeps_the_connection(name: &str, mode: u32) {
    let mut juju = over_the_socket();
    let unit = juju.charm_dir().parent().expect("the unit's directory").to_owned();
    fs::set_permissions(unit, PermissionsExt::from_mode(mode)).expect("it is ours");
    let printed = succeed(&mut juju, act(name));
    assert!(["changed\n", "this user cannot\n"].contains(&printed.as_str()), "{printed}");
}
