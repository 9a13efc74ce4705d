//! The charm's metadata cannot be read, and the files that a unit leaves. Damage to the traces that wait, and to their place,
//! is in the fault matrix.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju};

use crate::unit::{
    METADATA, assert_untouched, buffer, delivered, relate, test_charm, trace_id, waiting, whole_traces,
};

#[test]
fn without_metadata_that_can_be_read_only_the_charms_name_is_left_out() {
    let charms: [fn(Juju) -> Juju; 5] = [
        |charm| charm.without_file("metadata.yaml"),
        |charm| charm.metadata("{ this: is: not: yaml"),
        |charm| charm.metadata("- a\n- list\n"),
        |charm| charm.metadata(""),
        |charm| charm.metadata("\u{0}\u{1}\u{2}"),
    ];
    for charm in charms {
        let collector = Collector::start();
        let mut juju = charm(test_charm());
        let _ = relate(&mut juju, &collector.endpoint());
        let outcome = juju.dispatch(Event::hook("update-status"));
        assert_untouched(&outcome);
        assert_eq!(delivered(&collector), [trace_id(&outcome)]);
        let trace = whole_traces(&collector);
        let span = &trace.spans()[0];
        assert_eq!(span.resource_attribute("charm"), None);
        assert_eq!(span.resource_attribute("juju_unit").unwrap(), "app/0");
    }
}

#[test]
fn charmcraft_yaml_is_metadata_enough() {
    let collector = Collector::start();
    let mut juju = test_charm().charmcraft(&METADATA.replace("traced-charm", "packed-charm"));
    let _ = relate(&mut juju, &collector.endpoint());
    assert_untouched(&juju.dispatch(Event::hook("start")));
    let trace = whole_traces(&collector);
    assert_eq!(trace.spans()[0].resource_attribute("charm").unwrap(), "packed-charm");
}

#[test]
fn a_unit_leaves_nothing_but_its_traces_its_lock_and_what_it_knows_of_relations() {
    let mut juju = test_charm();
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

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
