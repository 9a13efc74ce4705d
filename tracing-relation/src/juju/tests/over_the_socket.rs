//! Promises that concern the agent's socket alone: the choice, the connection, and answers that do not come.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use super::*;
use crate::juju::testing::ToolResult;
use crate::juju::{HookToolErrorKind, HookToolOutput};

fn done(stdout: impl Into<Vec<u8>>) -> AgentAnswer {
    AgentAnswer::Done(ToolResult { code: 0, stdout: stdout.into(), stderr: Vec::new() })
}

/// An agent that says which request of which connection it was.
#[expect(clippy::needless_pass_by_value, reason = "it is the agent's answer to any request")]
fn count(request: AgentRequest) -> AgentAnswer {
    done(format!("{} {}", request.connection, request.args.join(" ")))
}

fn call(arg: &str) -> HookToolCall {
    HookToolCall::new("a-tool").arg(arg)
}

fn ran(directory: &Path) -> bool {
    directory.join("ran").exists()
}

#[test]
fn all_calls_go_over_one_connection() {
    let directory = jujus_own();
    let _agent = listen(directory.path(), count);
    let tools = tools_of(directory.path());
    for round in 0..100 {
        assert_eq!(run(&tools, &call(&round.to_string())), format!("0 {round}"));
        tools.send(&call("sent")).expect("sent");
    }
    assert!(!ran(directory.path()));
}

#[test]
fn the_request_is_jujus() {
    let directory = jujus_own();
    let (told, requests) = mpsc::channel();
    let _agent = listen(directory.path(), move |request| {
        told.send(request).expect("the test waits");
        done("")
    });
    let tools = tools_of(directory.path());
    tools.run(&call("--file=-").arg("").stdin(b"\xff".to_vec())).expect("success");
    tools.run(&HookToolCall::new("a-tool")).expect("success");
    let [first, second] = [0; 2].map(|_| requests.recv().expect("a request"));
    assert_eq!((first.context_id.as_str(), first.tool.as_str()), ("app/0-install-1", "a-tool"));
    assert_eq!(first.directory, std::env::current_dir().expect("a directory"));
    assert_eq!((first.args, first.stdin), (vec!["--file=-".to_owned(), String::new()], Some(vec![0xff])));
    assert_eq!((second.args, second.stdin), (Vec::new(), None));
}

#[test]
fn abstract_sockets_are_addresses_too() {
    let directory = jujus_own();
    let address = format!("@{}/agent.socket", directory.path().display());
    let _agent = Agent::listen(&address, count).expect("a socket");
    assert_eq!(run(&tools_at(&address).with_path(directory.path()), &call("x")), "0 x");
}

#[test]
fn a_program_that_shadows_a_tool_is_obeyed() {
    let directory = jujus_own();
    let _agent = listen(directory.path(), |_| unreachable!("the wrapper does not ask"));
    for (name, own) in [("a link to another program", Some("/bin/sh")), ("no link at all", None)] {
        let wrappers = tempfile::tempdir().expect("a directory");
        let wrapper = wrappers.path().join("a-tool");
        match own {
            Some(target) => symlink(target, wrapper).expect("a link"),
            None => fs::copy("/bin/sh", wrapper).map(drop).expect("a copy"),
        }
        let path = std::env::join_paths([wrappers.path(), directory.path()]).expect("a path");
        let tools = tools_of(directory.path()).with_path(path);
        assert_eq!(run(&tools, &script("echo shadowed")), "shadowed\n", "{name}");
    }
}

#[test]
fn links_are_followed_until_one_is_to_jujus_program() {
    for program in ["jujuc", "jujud"] {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        symlink("/bin/sh", at(program)).expect("a link");
        fs::create_dir(at("tools")).expect("made");
        symlink(format!("../{program}"), at("tools/versioned")).expect("a link");
        symlink("versioned", at("tools/a-tool")).expect("a link");
        let _agent = listen(directory.path(), count);
        let tools = tools_of(directory.path()).with_path(at("tools"));
        assert_eq!(run(&tools, &call("x")), "0 x");
    }
}

#[test]
fn without_an_agent_that_can_be_reached_a_tool_is_a_process() {
    let cases: [(&str, &[&str]); 4] = [
        ("nothing is set", &[]),
        ("another network", &["tcp", "{}", "app/0-install-1"]),
        ("no context", &["unix", "{}", ""]),
        ("nobody listens", &["unix", "{}", "app/0-install-1"]),
    ];
    for (name, values) in cases {
        let directory = jujus_own();
        let socket = directory.path().join("agent.socket").display().to_string();
        let names = ["JUJU_AGENT_SOCKET_NETWORK", "JUJU_AGENT_SOCKET_ADDRESS", "JUJU_CONTEXT_ID"];
        let var = |name: &str| {
            let at = names.iter().position(|known| *known == name)?;
            Some(values.get(at)?.replace("{}", &socket))
        };
        let tools = AgentHookTools::from_vars(var).with_path(directory.path());
        let output = tools.run(&call("x"));
        // Another test's fork may hold the script open for writing.
        assert!(ran(directory.path()) || output.is_err(), "{name}: {output:?}");
    }
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_one_that_cannot_be_reached() {
    let directory = shell();
    let tools = tools_at(&format!("/{}", "x".repeat(200))).with_path(directory.path());
    assert_eq!(run(&tools, &script("echo a process")), "a process\n");
}

#[test]
fn an_agent_that_was_started_anew_is_found() {
    let directory = jujus_own();
    let agent = listen(directory.path(), count);
    let tools = tools_of(directory.path());
    run(&tools, &call("before"));
    drop(agent);
    let _agent = listen(directory.path(), count);
    assert_eq!(run(&tools, &call("after")), "0 after");
    assert!(!ran(directory.path()));
}

/// As after `chroot`, or `setuid` where the user may not search the directory.
#[test]
fn tools_that_cannot_be_seen_any_more_are_asked_for_over_the_connection() {
    let directory = tempfile::tempdir().expect("a directory");
    let tools_directory = directory.path().join("tools");
    fs::create_dir(&tools_directory).expect("made");
    symlink("/bin/sh", directory.path().join("jujuc")).expect("a link");
    symlink("../jujuc", tools_directory.join("a-tool")).expect("a link");
    let _agent = listen(directory.path(), count);
    let tools = tools_of(directory.path()).with_path(&tools_directory);
    assert_eq!(run(&tools, &call("before")), "0 before");
    let error =
        tools.run(&HookToolCall::new("missing")).expect_err("its directory is there, and the tool is not");
    assert_eq!(error.kind(), HookToolErrorKind::NotInHookContext);
    fs::rename(&tools_directory, directory.path().join("elsewhere")).expect("moved");
    assert_eq!(run(&tools, &call("after")), "0 after");
}

#[test]
fn a_request_that_was_sent_is_never_repeated() {
    for answer in [
        AgentAnswer::HangsUp,
        AgentAnswer::Babbles(b"\x05hello".to_vec()),
        AgentAnswer::Babbles(vec![0xff; 1000]),
    ] {
        let directory = jujus_own();
        let requests = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&requests);
        let _agent = listen(directory.path(), move |request| {
            *counted.lock().expect("not poisoned") += 1;
            if request.args == ["lost"] { answer.clone() } else { count(request) }
        });
        let tools = tools_of(directory.path());
        let error = tools.run(&call("lost")).expect_err("no answer");
        assert_eq!(error.kind(), HookToolErrorKind::AnswerLost);
        assert_eq!(error.to_string(), "cannot tell whether a-tool took effect: its answer was lost");
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(run(&tools, &call("next")), "1 next", "over a new connection");
        assert_eq!((*requests.lock().expect("not poisoned"), ran(directory.path())), (2, false));
    }
}

#[test]
fn what_the_agent_refuses_is_what_its_tool_prints() {
    let directory = jujus_own();
    let _agent = listen(directory.path(), |request| {
        AgentAnswer::Refused(format!(
            "bad request: expected context id \"app/0-start-2\", got \"{}\"",
            request.context_id
        ))
    });
    let error = tools_of(directory.path()).run(&call("x")).expect_err("refused");
    assert_eq!((error.kind(), error.code()), (HookToolErrorKind::NotInHookContext, Some(1)));
    let stderr = "ERROR bad request: expected context id \"app/0-start-2\", got \"app/0-install-1\"\n";
    assert_eq!(error.stderr(), stderr);
}

#[test]
fn exit_codes_have_eight_bits() {
    let directory = jujus_own();
    let _agent = listen(directory.path(), |request| {
        let code = request.args[0].parse().expect("a number");
        AgentAnswer::Done(ToolResult { code, ..ToolResult::default() })
    });
    let tools = tools_of(directory.path());
    for (code, seen) in [("-1", 255), ("257", 1), ("255", 255)] {
        assert_eq!(tools.run(&call(code)).expect_err("a failure").code(), Some(seen));
    }
    assert_eq!(tools.run(&call("256")).expect("as a process would end"), HookToolOutput::default());
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken_for_the_next_one() {
    let directory = jujus_own();
    let (end, ended) = mpsc::channel::<()>();
    let ended = Mutex::new(ended);
    let _agent = listen(directory.path(), move |request| {
        if request.args == ["slow"] {
            _ = ended.lock().expect("not poisoned").recv();
        }
        count(request)
    });
    let tools = tools_of(directory.path());
    let slow = call("slow").timeout(Duration::from_millis(50));
    assert_eq!(tools.run(&slow).expect_err("too late").kind(), HookToolErrorKind::TimedOut);
    drop(end);
    assert_eq!(run(&tools, &call("next")), "1 next");
}

#[test]
fn what_is_sent_is_not_waited_for_and_takes_effect_before_later_calls() {
    let directory = jujus_own();
    let (told, order) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let _agent = listen(directory.path(), move |request| {
        if request.args == ["sent"] {
            // Juju gives each call a thread of its own: whoever sends the next one too early is served first.
            _ = wait.lock().expect("not poisoned").recv();
        }
        told.send(request.args[0].clone()).expect("the test waits");
        done("")
    });
    let tools = tools_of(directory.path());
    tools.send(&call("sent")).expect("sent");
    assert!(order.try_recv().is_err(), "it has not run yet");
    go.send(()).expect("the agent waits");
    run(&tools, &call("run"));
    go.send(()).expect("the agent waits");
    tools.send(&call("sent")).expect("sent");
    tools.flush();
    assert_eq!(order.try_iter().collect::<Vec<_>>(), ["sent", "run", "sent"]);
    go.send(()).expect("the agent waits");
    tools.send(&call("sent")).expect("sent");
    drop(tools);
    assert_eq!(order.try_iter().collect::<Vec<_>>(), ["sent"], "whoever ends it waits");
}

#[test]
fn an_agent_that_hangs_is_waited_for_once() {
    let directory = jujus_own();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&requests);
    let _agent = listen(directory.path(), move |request| {
        noted.lock().expect("not poisoned").push(request.args[0].clone());
        if request.args == ["hangs"] { AgentAnswer::Hangs } else { count(request) }
    });
    let tools = tools_of(directory.path());
    tools.send(&call("hangs").timeout(Duration::from_millis(100))).expect("sent");
    let error = tools.send(&call("line")).expect_err("the first hangs");
    assert_eq!(error.kind(), HookToolErrorKind::TimedOut);
    assert!(tools.send(&call("line")).is_err());
    assert_eq!(run(&tools, &call("answered")), "1 answered");
    tools.send(&call("line")).expect("it answers again");
    tools.flush();
    assert_eq!(*requests.lock().expect("not poisoned"), ["hangs", "answered", "line"]);
}

#[test]
fn threads_take_turns() {
    let directory = jujus_own();
    let _agent = listen(directory.path(), count);
    let tools = tools_of(directory.path());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let tools = &tools;
            scope.spawn(move || {
                for round in 0..50 {
                    let text = format!("{thread}-{round}");
                    assert_eq!(run(tools, &call(&text)), format!("0 {text}"));
                }
            });
        }
    });
}
