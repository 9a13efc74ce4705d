//! Files are not as they should be: the charm's metadata, the traces that wait, and the place where they are to be.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use charm_testing::collector::Collector;
use charm_testing::juju::{Deployment, Event, SimulatedJuju};
use charm_testing::queue;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::unit::{
    METADATA, assert_untouched, buffer, delivered, notices, relate, session_charm,
    session_charm_with_small_files, test_charm, trace_id, waiting, whole_traces,
};

/// What the Python library leaves in its own buffer: protobuf, and a text between two records.
const PYTHONS_BUFFER: &[u8] =
    b"\n\x08\n\x06\n\x04test__CHARM_TRACING_BUFFER_SPAN_SEP__\n\x08\n\x06\n\x04test";

#[test]
fn without_metadata_that_can_be_read_only_the_charms_name_is_left_out() {
    let charms: [fn(Deployment) -> Deployment; 5] = [
        |charm| charm.without_file("metadata.yaml"),
        |charm| charm.metadata("{ this: is: not: yaml"),
        |charm| charm.metadata("- a\n- list\n"),
        |charm| charm.metadata(""),
        |charm| charm.metadata("\u{0}\u{1}\u{2}"),
    ];
    for charm in charms {
        let collector = Collector::start();
        let mut juju = charm(test_charm()).start();
        let _ = relate(&mut juju, &collector.endpoint());
        let outcome = juju.dispatch(Event::hook("update-status"));
        assert_untouched(&outcome);
        assert_eq!(delivered(&collector), [trace_id(&outcome)]);
        let spans = whole_traces(&collector);
        assert_eq!(spans[0].resource_attribute("charm"), None);
        assert_eq!(spans[0].resource_attribute("juju_unit").as_deref(), Some("app/0"));
    }
}

#[test]
fn charmcraft_yaml_is_metadata_enough() {
    let collector = Collector::start();
    let mut juju = test_charm().charmcraft(&METADATA.replace("traced-charm", "packed-charm")).start();
    let _ = relate(&mut juju, &collector.endpoint());
    assert_untouched(&juju.dispatch(Event::hook("start")));
    let name = whole_traces(&collector)[0].resource_attribute("charm");
    assert_eq!(name.as_deref(), Some("packed-charm"));
}

#[test]
fn where_no_buffer_can_be_the_trace_is_lost_with_a_warning() {
    let mut juju = session_charm().start();
    let directory = juju.charm_dir();
    let target = directory.join("target");
    fs::create_dir(&target).unwrap();
    symlink(&target, directory.join("link")).unwrap();
    mknodat(CWD, directory.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    for (path, why) in [
        ("metadata.yaml/below", "Not a directory (os error 20)"),
        ("/proc/nowhere", "No such file or directory (os error 2)"),
        ("link", "it is a symbolic link"),
        ("pipe", "it is not a directory"),
    ] {
        let outcome = juju.dispatch(Event::hook("start").env("TRACE_BUFFER", path));
        assert!(outcome.success(), "{outcome}");
        assert_eq!((&*outcome.stdout, &*outcome.stderr), (LOST, ""), "{outcome}");
        let told = notices(&outcome);
        assert_eq!(told.len(), 1, "{outcome}");
        let lost = "WARNING the trace of this event is lost: ";
        assert!(told[0].starts_with(lost) && told[0].ends_with(why), "{outcome}");
        assert!(told[0].contains(path), "{outcome}");
    }
    assert_eq!(names(&target), [""; 0]);
}

#[test]
fn where_no_buffer_can_be_the_trace_is_pushed_at_once() {
    let collector = Collector::start();
    let mut juju = session_charm().start();
    // What stands in its place is worth a warning even if nothing is lost.
    for (path, warnings) in [("metadata.yaml/below/a/file", 0), ("/proc/nowhere/buffer", 0), ("/dev/null", 1)]
    {
        collector.clear();
        let event = Event::hook("start").env("TRACE_BUFFER", path);
        let outcome = juju.dispatch(event.env("TRACE_ENDPOINT", &collector.endpoint()));
        assert_eq!(outcome.stdout, "delivered 1\nwaiting 0\nbuffered false\nlost false\n", "{outcome}");
        assert_eq!(notices(&outcome).len(), warnings, "{outcome}");
        assert_eq!(delivered(&collector), [trace_id(&outcome)]);
    }
}

/// Writing more than it may would kill the process.
#[test]
fn files_that_may_not_become_large_enough_cost_traces_and_not_the_hook() {
    for (bytes, is_enough) in [(512, false), (2048, true)] {
        let collector = Collector::start();
        let mut juju = session_charm_with_small_files(bytes).start();
        let mut kept = Vec::new();
        for _ in 0..4 {
            let outcome = juju.dispatch(Event::hook("start"));
            assert!(outcome.success(), "{bytes} bytes: {outcome}");
            assert_eq!(outcome.stdout.contains("lost false"), is_enough, "{bytes} bytes: {outcome}");
            assert_eq!(notices(&outcome).is_empty(), is_enough, "{bytes} bytes: {outcome}");
            kept.extend(is_enough.then(|| trace_id(&outcome)));
        }
        let mended = juju.dispatch(Event::hook("start").env("TRACE_ENDPOINT", &collector.endpoint()));
        kept.push(trace_id(&mended));
        assert_eq!(delivered(&collector), kept, "{bytes} bytes: {mended}");
        whole_traces(&collector);
    }
}

#[test]
fn a_place_that_is_free_again_is_used_again() {
    let mut juju = test_charm().start();
    symlink("nowhere", buffer(&juju)).unwrap();
    let outcome = juju.dispatch(Event::hook("start"));
    assert_untouched(&outcome);
    assert_eq!(notices(&outcome).len(), 1, "{outcome}");
    fs::remove_file(buffer(&juju)).unwrap();
    let outcome = juju.dispatch(Event::hook("start"));
    assert_untouched(&outcome);
    assert_eq!((notices(&outcome).len(), waiting(&juju)), (0, 1), "{outcome}");
}

#[test]
fn a_file_in_the_place_of_the_directory_is_moved_into_it() {
    let random: Vec<u8> = (0_u32..5000).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for found in [
        random,
        b"{\"json\": true}\n".to_vec(),
        PYTHONS_BUFFER.to_vec(),
        b"charm-tracing\r\n\x1a".to_vec(),
        Vec::new(),
    ] {
        let collector = Collector::start();
        let mut juju = test_charm().start();
        fs::write(buffer(&juju), &found).unwrap();
        let first = juju.dispatch(Event::hook("start"));
        assert_untouched(&first);
        assert_eq!((notices(&first).len(), waiting(&juju)), (0, 1), "{first}");
        assert_delivers(&mut juju, &collector, vec![trace_id(&first)]);
        let moved = names(&buffer(&juju)).into_iter().find(|name| name.starts_with("replaced-")).unwrap();
        assert_eq!(fs::read(buffer(&juju).join(moved)).unwrap(), found);
    }
}

#[test]
fn the_python_librarys_buffer_is_never_posted_as_it_is() {
    let collector = Collector::start();
    let mut juju = test_charm().start();
    fs::write(juju.charm_dir().join(".charm_tracing_buffer.raw"), PYTHONS_BUFFER).unwrap();
    let first = juju.dispatch(Event::hook("start"));
    assert_untouched(&first);
    let relation = relate(&mut juju, &collector.endpoint());
    let second = juju.dispatch(Event::relation_changed("tracing", relation));
    assert_untouched(&second);
    let arrived = delivered(&collector);
    assert!(arrived.ends_with(&[trace_id(&first), trace_id(&second)]), "{arrived:?}");
    assert!(collector.requests().iter().all(|request| request.message.is_ok()));
}

#[test]
fn a_damaged_trace_costs_itself_alone_and_is_counted() {
    let damages: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        },
        |bytes| bytes[..bytes.len() - 1].to_vec(),
        |_| Vec::new(),
        |bytes| [bytes, vec![0]].concat(),
    ];
    for damage in damages {
        let collector = Collector::start();
        let mut juju = test_charm().start();
        let mut ids: Vec<_> = (0..3).map(|_| trace_id(&juju.dispatch(Event::hook("start")))).collect();
        let second = queue::traces(&buffer(&juju)).swap_remove(1).path;
        fs::write(&second, damage(fs::read(&second).unwrap())).unwrap();
        ids.remove(1);
        assert_delivers(&mut juju, &collector, ids);
        collector.clear();
        assert_untouched(&juju.dispatch(Event::hook("start")));
        let spans = whole_traces(&collector);
        let root = spans.iter().find(|span| span.span.parent_span_id.is_empty()).unwrap();
        assert_eq!(root.attribute("charm_tracing.lost_traces").as_deref(), Some("1"));
    }
}

#[test]
fn a_directory_that_others_can_enter_is_made_private() {
    let mut juju = test_charm().start();
    assert_untouched(&juju.dispatch(Event::hook("install")));
    for mode in [0o755, 0o500] {
        fs::set_permissions(buffer(&juju), fs::Permissions::from_mode(mode)).unwrap();
        assert_untouched(&juju.dispatch(Event::hook("start")));
        assert_eq!(fs::metadata(buffer(&juju)).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(waiting(&juju), 3);
}

#[test]
fn what_is_not_ours_in_the_directory_is_left_alone() {
    let collector = Collector::start();
    let mut juju = test_charm().start();
    let first = juju.dispatch(Event::hook("start"));
    let ours = queue::traces(&buffer(&juju)).swap_remove(0).path;
    let ours = ours.file_name().unwrap().to_str().unwrap();
    let not_ours = ["notes".to_owned(), format!("{ours}.bak"), ours.to_uppercase(), "journal".to_owned()];
    for name in &not_ours {
        fs::write(buffer(&juju).join(name), "precious").unwrap();
    }
    symlink("notes", buffer(&juju).join(ours.replace(&trace_id(&first), &"0a".repeat(16)))).unwrap();
    fs::create_dir(buffer(&juju).join("0000000000000001-lost+found.otlp")).unwrap();
    assert_delivers(&mut juju, &collector, vec![trace_id(&first)]);
    for name in &not_ours {
        assert_eq!(fs::read_to_string(buffer(&juju).join(name)).unwrap(), "precious");
    }
    assert_eq!(names(&buffer(&juju)).len(), not_ours.len() + 3, "the link, the directory and `sending`, too");
}

#[test]
fn a_unit_leaves_nothing_but_its_traces_its_lock_and_what_it_knows_of_relations() {
    let mut juju = test_charm().start();
    let before = names(&juju.charm_dir());
    for hook in ["install", "start", "update-status"] {
        assert_untouched(&juju.dispatch(Event::hook(hook)));
    }
    let after = names(&juju.charm_dir());
    let new: BTreeSet<_> = after.iter().filter(|name| !before.contains(name)).map(String::as_str).collect();
    let ours = [".charm_tracing_buffer", ".charm_tracing_lock", ".charm_tracing_relations"];
    assert_eq!(new, BTreeSet::from(ours));
    assert_eq!((waiting(&juju), names(&buffer(&juju)).len()), (3, 3));
}

const LOST: &str = "delivered 0\nwaiting 0\nbuffered false\nlost true\n";

/// Related to the collector, the next dispatch delivers exactly these and its own.
#[track_caller]
fn assert_delivers(juju: &mut SimulatedJuju, collector: &Collector, mut ids: Vec<String>) {
    let relation = relate(juju, &collector.endpoint());
    let healthy = juju.dispatch(Event::relation_changed("tracing", relation));
    assert_untouched(&healthy);
    ids.push(trace_id(&healthy));
    assert_eq!((delivered(collector), waiting(juju)), (ids, 0), "{healthy}");
    assert!(collector.requests().iter().all(|request| request.message.is_ok()));
    whole_traces(collector);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
