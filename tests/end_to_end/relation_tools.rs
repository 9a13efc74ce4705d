//! The hook tools that a charm runs for its relation, and that the documentation tells the truth about them.

use charm_testing::collector::{Answer, Collector};
use charm_testing::{Event, Outcome};
use tests::relation_tools::{self, Count};

use crate::unit::{relate, test_charm};

#[test]
fn the_documentation_counts_right() {
    let source = include_str!("../../tracing-relation/src/requirer.rs");
    let documented: Vec<(&str, usize)> = source
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("/// | ")?.split(" | ").map(str::trim);
            let (kind, ours) = (cells.next()?, cells.next()?);
            Some((kind, ours.trim_matches('*').parse().ok()?))
        })
        .collect();
    let counted = relation_tools::count(test_charm);
    let ours: Vec<_> = counted.iter().map(|Count { kind, tools }| (*kind, tools.len())).collect();
    assert_eq!(documented, ours, "{counted:#?}");
}

#[test]
fn the_budgets_hold() {
    for Count { kind, tools } in relation_tools::count(test_charm) {
        let limit = match kind {
            // The name of the backend's application, which never changes, is not known either.
            _ if kind.starts_with("follower") && kind.ends_with("in a new pod") => 4,
            _ if kind.ends_with("any other event") => 0,
            _ if kind.starts_with("no relation") => 1,
            _ if kind.starts_with("leader") => 5,
            _ => 3,
        };
        assert!(tools.len() <= limit, "{kind}: {tools:?}");
    }
}

#[test]
fn juju_is_asked_again_when_the_backend_is_not_where_it_was() {
    let collector = Collector::start();
    let mut juju = test_charm();
    let relation = relate(&mut juju, &collector.endpoint());
    let asks = |outcome: &Outcome| outcome.calls.iter().any(|call| call[0] == "relation-get");
    assert!(asks(&juju.dispatch(Event::relation_changed(&relation))));
    assert!(!asks(&juju.dispatch(Event::hook("update-status"))));
    collector.answer(Answer::Status(503));
    assert!(!asks(&juju.dispatch(Event::hook("update-status"))), "it is known only afterwards");
    assert!(asks(&juju.dispatch(Event::hook("update-status"))), "it may have moved");
    collector.answer(Answer::Accept);
    assert!(asks(&juju.dispatch(Event::hook("update-status"))), "it had not come back");
    assert!(!asks(&juju.dispatch(Event::hook("update-status"))));
}

#[test]
fn what_an_event_withdraws_is_not_used_even_if_its_hook_is_not_traced_or_fails() {
    for event in [
        |event: Event| event.env("CHARM_TRACING_ENABLED", "0"),
        |event: Event| event.env_remove("JUJU_MODEL_NAME"),
        |event: Event| event.env_remove("PATH"),
    ] {
        let collector = Collector::start();
        let mut juju = test_charm();
        let relation = relate(&mut juju, &collector.endpoint());
        juju.dispatch(Event::relation_changed(&relation));
        assert_eq!(collector.requests().len(), 1);
        juju.dispatch(event(Event::relation_broken(&relation)));
        relation.remove();
        collector.clear();
        juju.dispatch(Event::hook("update-status"));
        assert_eq!(collector.requests().len(), 0);
    }
}
