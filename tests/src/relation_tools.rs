//! How many hook tools a charm runs for its `tracing` relation, in each kind of dispatch.

use charm_testing::collector::Collector;
use charm_testing::{Event, Juju, Outcome};

/// A kind of dispatch, and the hook tools that the charm ran in it to ask and tell about the relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The event, and its unit's role: as in the table of `TracingEndpointRequirer`.
    pub kind: &'static str,
    /// The names of the tools, in order.
    pub tools: Vec<String>,
}

/// Plays the life of a unit whose backend answers, once as the leader and once not, and counts.
///
/// The charm has an endpoint `tracing` with `limit: 1`, and asks for `otlp_http` when it is constructed.
///
/// # Panics
/// If a hook fails.
#[must_use]
pub fn count(charm: impl Fn() -> Juju) -> Vec<Count> {
    let mut counts = vec![];
    let kinds = [
        [
            "no relation, first dispatch",
            "no relation, any other event",
            "leader, `relation-created`: it asks",
            "leader, `relation-changed`: the backend has answered",
            "leader, any other event",
            "leader, `start`: all is asked again",
            "leader, any event in a new pod",
            "leader, `relation-broken`",
        ],
        [
            "",
            "",
            "follower, `relation-created`",
            "follower, `relation-changed`: the backend has answered",
            "follower, any other event",
            "follower, `start`: all is asked again",
            "follower, any event in a new pod",
            "follower, `relation-broken`",
        ],
    ];
    for (kinds, leader) in kinds.into_iter().zip([true, false]) {
        let outcomes = live(charm(), leader);
        for (kind, outcome) in kinds.into_iter().zip(outcomes).filter(|(kind, _)| !kind.is_empty()) {
            assert!(outcome.success(), "{kind}: {outcome}");
            counts.push(Count { kind, tools: of_relation(&outcome) });
        }
    }
    counts
}

/// The dispatches that are counted.
fn live(mut juju: Juju, leader: bool) -> [Outcome; 8] {
    let collector = Collector::start();
    juju.set_leader(leader);
    let install = juju.dispatch(Event::hook("install"));
    let unrelated = juju.dispatch(Event::hook("update-status"));
    let relation = juju.relate("tracing", "tempo");
    let created = juju.dispatch(Event::relation_created(&relation));
    let _joined = juju.dispatch(Event::relation_joined(&relation));
    relation.publish_endpoint(&collector.endpoint());
    let changed = juju.dispatch(Event::relation_changed(&relation));
    let steady = juju.dispatch(Event::hook("update-status"));
    let started = juju.dispatch(Event::hook("start"));
    // With the directory of the charm goes all that was remembered there.
    let memory = juju.charm_dir().join(".charm_tracing_relations");
    _ = std::fs::remove_file(memory);
    let new_pod = juju.dispatch(Event::hook("update-status"));
    let broken = juju.dispatch(Event::relation_broken(&relation));
    [install, unrelated, created, changed, steady, started, new_pod, broken]
}

fn of_relation(outcome: &Outcome) -> Vec<String> {
    let tools = outcome.calls.iter().map(|call| call[0].clone());
    tools.filter(|tool| tool == "is-leader" || tool.starts_with("relation-")).collect()
}
