//! Forked children use hook tools as their parent does, and never over its connection.

use std::sync::mpsc;

use tracing_relation::juju::testing::{Agent, Model};

use crate::agent::answer;
use crate::unit::{EITHER_WAY, act, over_the_socket, succeed};

#[test]
fn children_may_use_hook_tools_and_end_as_they_like() {
    for way in EITHER_WAY {
        succeed(&mut way(), act("fork"));
    }
}

#[test]
fn both_processes_may_go_on_after_a_fork() {
    for way in EITHER_WAY {
        for event in [act("fork-and-go-on"), act("fork-and-go-on").env("BUFFER", "1")] {
            succeed(&mut way(), event);
        }
    }
}

#[test]
fn a_child_that_is_forked_in_the_middle_of_a_call_waits_for_nobody() {
    for way in EITHER_WAY {
        let mut juju = way();
        juju.break_tool("status-get", charm_testing::ToolFault::Hangs);
        succeed(&mut juju, act("fork-during-a-call"));
    }
}

#[test]
fn a_charm_may_leave_a_daemon() {
    for way in EITHER_WAY {
        succeed(&mut way(), act("become-a-daemon"));
    }
}

#[test]
fn the_connection_is_used_by_the_process_that_opened_it_alone() {
    for name in ["fork", "fork-and-go-on", "become-a-daemon"] {
        let mut juju = over_the_socket();
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("agent.socket").display().to_string();
        let (model, (told, requests)) = (Model::new("app/0"), mpsc::channel());
        let agent = Agent::listen(&socket, move |request| {
            told.send((request.connection, request.process, request.args.clone())).expect("the test waits");
            answer(&model, request)
        });
        let agent = agent.expect("a socket");
        succeed(&mut juju, act(name).env("JUJU_AGENT_SOCKET_ADDRESS", &socket));
        drop(agent);
        let requests: Vec<_> = requests.try_iter().collect();
        let of_charm: Vec<_> = requests.iter().filter(|(connection, ..)| *connection == 0).collect();
        let others = requests.len() - of_charm.len();
        assert!(others >= 2, "the children have asked: {requests:?}");
        // The agent knows which process opened a connection, and not which one uses it; but each value names its own.
        let by_child =
            |args: &[String]| args.iter().any(|arg| arg.contains("child") || arg.contains("daemon"));
        assert!(!of_charm.iter().any(|(_, _, args)| by_child(args)), "{requests:?}");
        assert!(
            requests.iter().all(|(connection, process, _)| *connection == 0 || *process != of_charm[0].1)
        );
    }
}
