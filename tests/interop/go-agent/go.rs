//! The agent and the hook tools in Go, put between a charm and the simulated agent.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use charm_testing::{Juju, Outcome};

/// Where the programs of tests/interop/go are.
///
/// The charm asks the Go agent, over one connection. The Go agent starts Go's `jujuc` for each call, and that asks the
/// simulated agent. `dispatch` is a script that starts the Go agent, which starts the charm, so each dispatch has a Go agent
/// of its own.
pub(crate) struct Go {
    directory: PathBuf,
}

/// A call as the Go agent has logged it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The number of its connection, from 1.
    pub(crate) connection: u32,
    /// The tool and its arguments.
    pub(crate) line: String,
}

impl Go {
    pub(crate) fn new(directory: &Path) -> Self {
        let directory = directory.canonicalize().expect("the directory with Go's programs exists");
        assert!(
            !directory.to_string_lossy().contains('\''),
            "a script quotes the directory in single quotes"
        );
        Self { directory }
    }

    /// Deploys a charm that finds Go's `jujuc` in its `PATH`, under the name of each hook tool. If the charm started one as a
    /// process, that would be another connection to the Go agent.
    pub(crate) fn deploy(&self, charm: &str) -> Juju {
        let tools = self.directory.join("tools");
        self.deploy_after(charm, &format!("PATH='{}':$PATH", tools.display()))
    }

    /// Deploys a charm whose `PATH` has hook tools that are not Juju's own: each call is a process, which asks the Go agent.
    pub(crate) fn deploy_with_processes(&self, charm: &str) -> Juju {
        self.deploy_after(charm, "").over_processes()
    }

    fn deploy_after(&self, charm: &str, preparation: &str) -> Juju {
        let go = self.directory.display();
        // The kind of the Go agent's socket is that of the simulated one's.
        let script = format!(
            "#!/bin/sh\n{preparation}\nexec '{go}/bin/agent' -tools '{go}/tools' \
             -socket \"${{JUJU_AGENT_SOCKET_ADDRESS%/*}}/go.socket\" -log \"$JUJU_CHARM_DIR/../go-${{JUJU_CONTEXT_ID##*-}}.log\" -- {charm}\n"
        );
        Juju::from_script(&script)
    }

    /// The calls that the Go agent of a dispatch has logged.
    pub(crate) fn calls(juju: &Juju, outcome: &Outcome) -> Vec<Call> {
        let number = outcome.context_id.rsplit('-').next().unwrap_or_default();
        let log = juju.charm_dir().with_file_name(format!("go-{number}.log"));
        let text = fs::read_to_string(log).expect("the Go agent has a log");
        let calls = text.lines().map(|line| {
            let (connection, line) = line.split_once(' ').expect("a call is a number and a line");
            Call { connection: connection.parse().expect("a number"), line: line.to_owned() }
        });
        calls.collect()
    }

    /// Checks that a dispatch asked the Go agent for all its hook tools over one connection, and that they reached the
    /// simulated agent in the same order. Returns how many.
    #[track_caller]
    pub(crate) fn check_one_connection(juju: &Juju, outcome: &Outcome) -> usize {
        let asked = Self::calls(juju, outcome);
        let connections: Vec<_> = asked.iter().map(|call| call.connection).collect();
        assert!(connections.iter().all(|number| *number == 1), "connections {connections:?} of {outcome}");
        let asked: Vec<_> = asked.into_iter().map(|call| call.line).collect();
        let reached: Vec<_> = outcome.calls.iter().map(|call| as_logged(call)).collect();
        assert_eq!(
            asked, reached,
            "what the Go agent was asked for, and what reached the model of {outcome}"
        );
        assert!(!asked.is_empty(), "no hook tool was asked for: {outcome}");
        asked.len()
    }
}

/// A program of Cargo's directory, which is the same for all packages.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = env::current_exe().expect("a running program has a path").with_file_name(name);
    assert!(path.exists(), "{} must be built before", path.display());
    path
}

/// A call as the Go agent writes it.
pub(crate) fn as_logged(call: &[String]) -> String {
    let args: Vec<_> = call[1..].iter().map(|argument| format!("{argument:?}")).collect();
    format!("{} [{}]", call[0], args.join(" "))
}
