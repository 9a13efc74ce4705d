use std::fs::{self, File};
use std::os::unix::fs::symlink;

use crate::fixture::{CharmDir, run};

#[test]
fn each_file_that_cannot_be_read_is_named_in_a_line_and_the_rest_is_shown() {
    let charm = CharmDir::with_two_traces();
    let [first, _] = &charm.waiting()[..] else { panic!("two traces") };
    let whole = fs::read(charm.queue().join(first)).expect("a trace");
    let mut expected = Vec::new();
    let mut add = |name: &str, contents: &[u8], reason: &str| {
        let path = charm.write(&format!(".charm_tracing_buffer/{name}"), contents);
        expected.push(format!("charm-traces: {}: {reason}", path.display()));
    };
    let stamp = "0001795942900000";
    let id = "33333333333333333333333333333333";
    add(&format!("{stamp}-{id}-00000000.otlp"), &whole, "it is damaged: the checksum");
    add(&format!("app-0-{id}.journal"), b"no journal", "it is damaged: no whole span");
    add("notes.txt", b"mine", "it is none of a charm's traces");
    add("other.json", b"{\"a\": [", "cannot read it as OTLP in JSON");
    add("other.otlp", &whole[..whole.len() / 2], "it is damaged, or none of a charm's traces");
    add(&format!("{stamp}-0123456789abcdef.part"), &whole[..9], "it is half-written");
    add("zeros.otlp", &[0; 100], "it is damaged, or none of a charm's traces");
    let huge = charm.queue().join("huge.otlp");
    File::create(&huge).and_then(|file| file.set_len(65 << 20)).expect("a file");
    expected.push(format!("charm-traces: {}: it has 68157440 bytes", huge.display()));
    let directory = charm.queue().join("directory.otlp");
    fs::create_dir(&directory).expect("a directory");
    expected.push(format!("charm-traces: {}: it is no regular file", directory.display()));
    // These are the queue's own, and a file that was sent just now.
    for name in ["state", "sending", "replaced-1"] {
        charm.write(&format!(".charm_tracing_buffer/{name}"), b"");
    }
    symlink("gone", charm.queue().join("gone.otlp")).expect("a link");

    let ran = run(["show".as_ref(), charm.path()]);
    assert_eq!(ran.code, Some(1));
    let mut lines: Vec<_> = ran.err.lines().collect();
    lines.sort_unstable();
    expected.sort();
    assert_eq!(lines.len(), expected.len(), "{}", ran.err);
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(&**expected), "{line}\nis not\n{expected}");
    }
    assert!(ran.out.contains("\ntrace 11111111") && ran.out.contains("\ntrace 22222222"), "{}", ran.out);
}

#[test]
fn the_whole_lines_of_a_file_that_is_being_written_are_shown() {
    let charm = CharmDir::with_two_traces();
    let lines = run(["export".as_ref(), charm.path()]).out;
    let file = charm.write("traces.json", &lines[..lines.len() - 20]);
    let ran = run(["show".as_ref(), file.as_os_str()]);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 1), "{}", ran.err);
    assert!(ran.err.contains("traces.json: cannot read it as OTLP in JSON: EOF "), "{}", ran.err);
    assert!(ran.out.contains("\ntrace 11111111") && !ran.out.contains("\ntrace 22222222"), "{}", ran.out);
}

#[test]
fn a_path_without_anything_is_an_error() {
    for command in [&["show"][..], &["export"], &["send", "--endpoint", "http://127.0.0.1:1"]] {
        let ran = run([command, &["/no/such/place"]].concat());
        assert_eq!(
            (ran.code, ran.err.lines().next().map(|line| line.contains("/no/such/place"))),
            (Some(1), Some(true))
        );
    }
}

#[test]
fn a_damaged_database_is_named() {
    let charm = CharmDir::new();
    let mut database = b"SQLite format 3\0".to_vec();
    database.resize(4096, 7);
    charm.write(".tracing-data.db", database);
    let ran = run(["show".as_ref(), charm.path()]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains(".tracing-data.db: "), "{}", ran.err);
}

/// Cuts a real queue file and a real database at many places: the program ends, with a line about each file that it could not read.
#[test]
fn files_that_are_cut_anywhere_are_survived() {
    let charm = CharmDir::with_two_traces();
    let whole = fs::read(charm.queue().join(&charm.waiting()[0])).expect("a trace");
    let cut = CharmDir::new();
    for end in 0..whole.len() {
        cut.write(&format!("cut-{end:04}.otlp"), &whole[..end]);
    }
    let ran = run(["show".as_ref(), "--list".as_ref(), cut.path()]);
    assert_eq!(ran.code, Some(1));
    // A request that is cut is no message, but nothing is a request without spans.
    assert_eq!(ran.err.lines().filter(|line| line.contains("/cut-")).count(), whole.len() - 1, "{}", ran.err);
}
