//! Processes of tokio that run in a span.

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use charm_testing::Trace;
use charm_tracing::process::CommandExt as _;
use tests::recording::spans_of;
use tokio::process::Command;
use tokio::time::timeout;

use crate::runtimes;

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdout(Stdio::piped());
    command
}

/// Returns the traces of an event that awaits `work`, on either kind of runtime.
fn traces(work: impl AsyncFn()) -> [Trace; 2] {
    runtimes().map(|runtime| spans_of(|| runtime.block_on(work())))
}

/// Returns the spans below the event.
fn outline(trace: &Trace) -> String {
    let shown = ["process.executable.name", "process.command_args", "process.exit.code", "error.type"];
    let outline = trace.outline().status().kinds().attributes(&shown).to_string();
    outline.replace("app/0: start event\n  event: start", "")
}

#[test]
fn a_process_is_a_client_span_named_after_its_executable() {
    let traces = traces(async || {
        assert!(shell("true").traced().status().await.unwrap().success());
        let output = shell("echo out; exit 3").traced().with_arguments().output().await.unwrap();
        assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"out\n"[..], Some(3)));
        let mut child = shell("kill -9 $$").traced().spawn().unwrap();
        assert!(!child.wait().await.unwrap().success());
        assert!(!child.wait().await.unwrap().success(), "as a plain `Child`");
    });
    for trace in traces {
        assert_eq!(
            outline(&trace),
            "
    sh (client) {process.executable.name=sh, process.exit.code=0}
    sh (client) [error: exit status: 3] {process.executable.name=sh, \
process.command_args=[/bin/sh, -c, echo out; exit 3], process.exit.code=3, error.type=3}
    sh (client) [error: signal: 9 (SIGKILL)] {process.executable.name=sh, error.type=signal 9}"
        );
        let has_pid = |name: &str| {
            trace.iter().filter(|span| span.name == name).all(|span| span.attribute("process.pid").is_some())
        };
        assert!(has_pid("sh"));
    }
}

#[test]
fn a_program_that_does_not_exist_is_a_failed_span_and_the_plain_error() {
    let traces = traces(async || {
        let run = Command::new("/no/such-program").traced().output();
        assert_eq!(run.await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(Command::new("/no/such-program").traced().status().await.is_err());
    });
    let failed = "\n    such-program (client) [error: No such file or directory (os error 2)] \
                  {process.executable.name=such-program, error.type=std::io::error::Error}";
    for trace in traces {
        assert_eq!(outline(&trace), format!("{failed}{failed}"));
    }
}

#[test]
fn the_process_gets_the_context_of_its_span_and_leads_on_to_its_parent() {
    let seen = std::cell::RefCell::new(String::new());
    let traces = traces(async || {
        // A future that is awaited elsewhere belongs to the span in which its process was started.
        let output = charm_tracing::event("starter", || shell("echo $TRACEPARENT").traced().output());
        let output = tokio::spawn(output).await.unwrap().unwrap();
        seen.borrow_mut().push_str(std::str::from_utf8(&output.stdout).unwrap());
    });
    let expected = traces.map(|trace| {
        let span = trace.span("sh");
        assert_eq!(trace.parent(span).unwrap().name, "event: starter");
        format!("00-{}-{}-01\n", span.trace_id, span.span_id)
    });
    assert_eq!(*seen.borrow(), expected.concat());
}

#[test]
fn a_future_that_is_dropped_is_cancelled_and_its_process_is_killed_if_the_command_says_so() {
    const LIMIT: Duration = Duration::from_millis(50);
    let directory = tempfile::tempdir().unwrap();
    let [file, pid] = ["is-alive", "pid"].map(|name| directory.path().join(name));
    let alive = format!("read line; echo alive > '{}'", file.display());
    let sleeps = format!("echo $$ > '{0}.part'; mv '{0}.part' '{0}'; exec sleep 60", pid.display());
    let traces = traces(async || {
        let mut command = shell(&sleeps);
        let mut output = Box::pin(command.kill_on_drop(true).traced().output());
        while !pid.exists() {
            assert!(timeout(LIMIT, &mut output).await.is_err());
        }
        drop(output);
        while is_running(&std::fs::read_to_string(&pid).unwrap()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::fs::remove_file(&pid).unwrap();
        let mut command = shell("sleep 60");
        command.kill_on_drop(true);
        assert!(timeout(LIMIT, command.traced().status()).await.is_err());
        drop(command.traced().status());

        let mut child = shell(&alive).stdin(Stdio::piped()).traced().spawn().unwrap();
        let stdin = child.stdin.take();
        assert!(timeout(LIMIT, child.wait_with_output()).await.is_err());
        assert!(!file.exists());
        drop(stdin);
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::fs::remove_file(&file).unwrap();
    });
    let cancelled = "\n    sh (client) [error: cancelled] {process.executable.name=sh, error.type=cancelled}";
    for trace in traces {
        assert_eq!(outline(&trace), cancelled.repeat(4));
    }
}

/// Returns false for a process that has ended, even if nothing has waited for it yet.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn waiting_may_be_given_up_and_taken_up_and_the_span_ends_with_the_process() {
    let traces = traces(async || {
        let mut child = shell("sleep 60").traced().spawn().unwrap();
        assert!(timeout(Duration::from_millis(20), child.wait()).await.is_err());
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().await.unwrap();
        let mut child = shell("read line").stdin(Stdio::piped()).traced().spawn().unwrap();
        child.stdin.take();
        while child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The span of a child that nothing waits for ends without an exit code.
        drop(shell("true").traced().spawn().unwrap());
    });
    for trace in traces {
        assert_eq!(
            outline(&trace),
            "
    sh (client) [error: signal: 9 (SIGKILL)] {process.executable.name=sh, error.type=signal 9}
    sh (client) [error: exit status: 1] {process.executable.name=sh, process.exit.code=1, error.type=1}
    sh (client) {process.executable.name=sh}"
        );
    }
}

#[test]
fn without_a_session_a_command_is_left_alone() {
    let _turn = tests::recording::take_turn();
    for runtime in runtimes() {
        runtime.block_on(async {
            let mut command = shell("echo \"$TRACEPARENT\"");
            let output = command.traced().output().await.unwrap();
            assert!(output.status.success());
            assert!(!command.as_std().get_envs().any(|(name, _)| name == "TRACEPARENT"));
        });
    }
}
