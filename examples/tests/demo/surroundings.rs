//! Wherever the demo runs, and however it ends, it says so plainly and leaves nothing behind.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use charm_testing::collector::{Answer, Collector};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::texts;

const DEMO: &str = env!("CARGO_BIN_EXE_demo");

fn count(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn where_loopback_is_down_it_ends() {
    let alone = |arguments: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net"]).args(arguments).output()
    };
    match alone(&["true"]) {
        Ok(output) if output.status.success() => {}
        impossible => {
            return eprintln!("NOT RUN: there is no network of its own for the demo: {impossible:?}");
        }
    }
    let (story, complaint) = texts(&alone(&[DEMO]).unwrap());
    assert_eq!(story, "");
    assert_eq!(
        complaint,
        "the built-in collector needs the loopback interface, which is at fault: Network is unreachable (os error \
         101)\n"
    );
    let output = alone(&[DEMO, "--endpoint", "http://127.0.0.1:4318"]).unwrap();
    let (story, complaint) = texts(&output);
    assert_eq!((output.status.code(), complaint.as_str()), (Some(1), ""), "{story}");
    assert!(story.contains("cannot reach the tracing backend"), "{story}");
    assert!(story.contains("Not everything was delivered to http://127.0.0.1:4318; "), "{story}");
}

#[test]
fn where_it_can_make_no_directory_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let long = "long/".repeat(20);
    for (name, reason) in [
        ("missing", "No such file or directory (os error 2)"),
        ("file", "Not a directory (os error 20)"),
        (&long, "No such file or directory (os error 2)"),
    ] {
        let place = directory.path().join(name);
        let output = Command::new(DEMO).env("TMPDIR", &place).output().unwrap();
        let (story, complaint) = texts(&output);
        assert_eq!((output.status.code(), story.as_str()), (Some(1), ""), "{complaint}");
        let start = format!("cannot make a directory in {}: {reason}", place.display());
        assert!(complaint.starts_with(&start), "{complaint}");
        assert!(complaint.ends_with("; TMPDIR may name another place\n"), "{complaint}");
    }
}

#[test]
fn a_directory_may_be_named_from_where_it_is_started() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("here")).unwrap();
    let mut demo = Command::new(DEMO);
    let output = demo.env("TMPDIR", "here").current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(count(&directory.path().join("here")), 0);
}

#[test]
fn a_signal_ends_it_and_leaves_no_directory() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let directory = tempfile::tempdir().unwrap();
        // So the story is not over too soon.
        let collector = Collector::start();
        collector.answer(Answer::Hang);
        let mut demo = Command::new(DEMO);
        demo.args(["--endpoint", &collector.endpoint()]).env("TMPDIR", directory.path());
        let mut demo = demo.stdout(Stdio::piped()).spawn().unwrap();
        let mut story = BufReader::new(demo.stdout.take().unwrap());
        story.read_line(&mut String::new()).unwrap();
        assert_ne!(count(directory.path()), 0);

        kill_process(Pid::from_child(&demo), signal).unwrap();
        let mut rest = String::new();
        story.read_to_string(&mut rest).unwrap();
        let status = demo.wait().unwrap();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{status}: {rest}");
        assert_eq!(count(directory.path()), 0, "{rest}");
        assert!(!rest.contains("Not everything was delivered"), "{rest}");
    }
}

/// Returns the output of the demo on a terminal.
fn on_terminal(variable: (&str, &str)) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let noctty = OpenptFlags::NOCTTY.bits().cast_signed();
    let screen = OpenOptions::new().write(true).custom_flags(noctty).open(name.to_str().unwrap()).unwrap();
    let mut demo = Command::new(DEMO);
    // In a CI job (`CI`) a dumb terminal has colours too.
    for other in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        demo.env_remove(other);
    }
    demo.env("TERM", "xterm").env(variable.0, variable.1);
    let mut child = demo.stdout(screen).spawn().unwrap();
    // Else the terminal would not end with the demo.
    drop(demo);
    let mut text = Vec::new();
    // The end of a terminal is an error.
    _ = fs::File::from(terminal).read_to_end(&mut text);
    assert!(child.wait().unwrap().success());
    String::from_utf8(text).unwrap()
}

#[test]
fn there_are_colours_on_a_terminal_only_and_not_against_the_wish_of_the_user() {
    const GREEN: &str = "\u{1b}[32mAll 7 traces were delivered";
    const PLAIN: &str = "\nAll 7 traces were delivered";
    let coloured = on_terminal(("LANG", "C"));
    assert!(coloured.contains(GREEN), "{coloured}");
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb"), ("CLICOLOR", "0")] {
        let plain = on_terminal(variable);
        assert!(plain.contains(PLAIN) && !plain.contains('\u{1b}'), "{variable:?}: {plain}");
    }
    let (piped, _) =
        texts(&Command::new(DEMO).env("TERM", "xterm").env_remove("CLICOLOR_FORCE").output().unwrap());
    assert!(piped.contains(PLAIN) && !piped.contains('\u{1b}'), "{piped}");
}
