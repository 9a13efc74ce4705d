//! Files are not as they should be: the charm's metadata, the buffer, and the place where it is to be.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tests::collector::Collector;
use tests::juju::{Deployment, Event, SimulatedJuju};

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
    fs::write(&target, "precious").unwrap();
    symlink(&target, directory.join("link")).unwrap();
    fs::create_dir(directory.join("directory")).unwrap();
    for (path, why) in [
        ("metadata.yaml/below/a/file", "Not a directory (os error 20)"),
        ("/proc/nowhere/buffer", "No such file or directory (os error 2)"),
        ("directory", "it is not a regular file"),
        ("link", "it is not a regular file"),
        ("/dev/null", "it is not a regular file"),
    ] {
        let outcome = juju.dispatch(Event::hook("start").env("TRACE_BUFFER", path));
        assert!(outcome.success(), "{outcome}");
        assert_eq!((&*outcome.stdout, &*outcome.stderr), (LOST, ""), "{outcome}");
        let told = notices(&outcome);
        assert_eq!(told.len(), 1, "{outcome}");
        let lost = "WARNING the trace of this event is lost: cannot keep traces: ";
        assert!(told[0].starts_with(lost) && told[0].ends_with(why), "{outcome}");
        assert!(told[0].contains(path), "{outcome}");
    }
    assert_eq!(fs::read_to_string(target).unwrap(), "precious");
}

#[test]
fn where_no_buffer_can_be_the_trace_is_pushed_at_once() {
    let collector = Collector::start();
    let mut juju = session_charm().start();
    for path in ["metadata.yaml/below/a/file", "/proc/nowhere/buffer", "/dev/null"] {
        collector.clear();
        let event = Event::hook("start").env("TRACE_BUFFER", path);
        let outcome = juju.dispatch(event.env("TRACE_ENDPOINT", &collector.endpoint()));
        assert_eq!(outcome.stdout, "delivered 1\nwaiting 0\nbuffered false\nlost false\n", "{outcome}");
        assert_eq!(notices(&outcome), [""; 0]);
        assert_eq!(delivered(&collector), [trace_id(&outcome)]);
    }
}

/// Writing more than it may would kill the process.
#[test]
fn files_that_may_not_become_large_enough_cost_traces_and_not_the_hook() {
    for kib in [1, 2] {
        let collector = Collector::start();
        let mut juju = session_charm_with_small_files(kib).start();
        let outcomes: Vec<_> = (0..4).map(|_| juju.dispatch(Event::hook("start"))).collect();
        let (mut kept, mut lost) = (Vec::new(), 0);
        for outcome in &outcomes {
            assert!(outcome.success(), "{kib} KiB: {outcome}");
            let is_lost = outcome.stdout.contains("lost true");
            assert_eq!(notices(outcome).len(), usize::from(is_lost), "{kib} KiB: {outcome}");
            if is_lost { lost += 1 } else { kept.push(trace_id(outcome)) }
        }
        assert!(lost > 0, "{kib} KiB are enough for all");

        let mended = juju.dispatch(Event::hook("start").env("TRACE_ENDPOINT", &collector.endpoint()));
        kept.push(trace_id(&mended));
        assert_eq!(delivered(&collector), kept, "{kib} KiB: {mended}");
        whole_traces(&collector);
    }
}

#[test]
fn a_place_that_is_free_again_is_used_again() {
    let mut juju = test_charm().start();
    fs::create_dir(buffer(&juju)).unwrap();
    let outcome = juju.dispatch(Event::hook("start"));
    assert_untouched(&outcome);
    assert_eq!(notices(&outcome).len(), 1, "{outcome}");
    fs::remove_dir(buffer(&juju)).unwrap();
    let outcome = juju.dispatch(Event::hook("start"));
    assert_untouched(&outcome);
    assert_eq!((notices(&outcome).len(), waiting(&juju)), (0, 1), "{outcome}");
}

#[test]
fn a_file_of_another_kind_makes_way_for_a_new_buffer() {
    let random: Vec<u8> = (0_u32..5000).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let beginning = b"charm-tracing\r\n\x1a".to_vec();
    let beginning_and_garbage = [beginning.as_slice(), &[9; 200]].concat();
    for found in [
        random,
        b"{\"json\": true}\n".to_vec(),
        PYTHONS_BUFFER.to_vec(),
        vec![0; 128],
        vec![0xff; 64],
        b"c".to_vec(),
        Vec::new(),
        beginning,
        beginning_and_garbage,
    ] {
        let collector = Collector::start();
        let mut juju = test_charm().start();
        fs::write(buffer(&juju), &found).unwrap();
        let first = juju.dispatch(Event::hook("start"));
        assert_untouched(&first);
        assert_eq!((notices(&first).len(), waiting(&juju)), (0, 1), "{first}");
        assert_delivers(&mut juju, &collector, vec![trace_id(&first)]);
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
fn a_torn_record_costs_itself_alone() {
    // The last record is cut within its payload, within its header, and to its first byte.
    for cut in [1, 100, 1_000_000] {
        let collector = Collector::start();
        let mut juju = test_charm().start();
        let mut ids: Vec<_> = (0..2).map(|_| trace_id(&juju.dispatch(Event::hook("start")))).collect();
        let whole = fs::metadata(buffer(&juju)).unwrap().len();
        let _torn = juju.dispatch(Event::hook("start"));
        let file = fs::OpenOptions::new().write(true).open(buffer(&juju)).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(cut).max(whole + 1)).unwrap();

        let next = juju.dispatch(Event::hook("start"));
        assert_untouched(&next);
        ids.push(trace_id(&next));
        assert_eq!((notices(&next).len(), waiting(&juju)), (0, 3), "{next}");
        assert_delivers(&mut juju, &collector, ids);
    }
}

#[test]
fn a_damaged_record_costs_itself_alone() {
    let collector = Collector::start();
    let mut juju = test_charm().start();
    let mut ids: Vec<_> = Vec::new();
    let mut ends = Vec::new();
    for _ in 0..3 {
        ids.push(trace_id(&juju.dispatch(Event::hook("start"))));
        ends.push(usize::try_from(fs::metadata(buffer(&juju)).unwrap().len()).unwrap());
    }
    let mut bytes = fs::read(buffer(&juju)).unwrap();
    bytes[usize::midpoint(ends[0], ends[1])] ^= 1;
    fs::write(buffer(&juju), bytes).unwrap();
    ids.remove(1);
    assert_delivers(&mut juju, &collector, ids);
}

#[test]
fn a_buffer_that_is_readable_for_others_is_made_private() {
    let mut juju = test_charm().start();
    assert_untouched(&juju.dispatch(Event::hook("install")));
    let set = |mode| fs::set_permissions(buffer(&juju), fs::Permissions::from_mode(mode)).unwrap();
    set(0o644);
    assert_untouched(&juju.dispatch(Event::hook("start")));
    assert_eq!(fs::metadata(buffer(&juju)).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(waiting(&juju), 2);
}

#[test]
fn a_unit_leaves_nothing_but_its_buffer_its_last_flight_and_what_it_knows_of_relations() {
    let mut juju = test_charm().start();
    let before = names(&juju.charm_dir());
    for hook in ["install", "start", "update-status"] {
        assert_untouched(&juju.dispatch(Event::hook(hook)));
    }
    let after = names(&juju.charm_dir());
    let new: BTreeSet<_> = after.iter().filter(|name| !before.contains(name)).map(String::as_str).collect();
    assert_eq!(
        new,
        BTreeSet::from([".charm_tracing_buffer", ".charm_tracing_buffer.flight", ".charm_tracing_relations"])
    );
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
