//! Traces wait on disk while there is no backend, and leave in order once there is one.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use charm_testing::Value;
use charm_testing::collector::{Answer, Collector};
use charm_testing::{Event, Juju, Outcome, queue};
use tempfile::TempDir;

use crate::unit::{
    assert_untouched, buffer, delivered, notices, relate, session_charm, session_charm_by, struct_charm,
    test_charm, trace_id, waiting, waiting_in, whole_traces,
};

#[test]
fn without_a_backend_each_dispatch_keeps_one_trace_more_and_says_nothing() {
    let mut juju = test_charm();
    for (dispatches, hook) in (1..).zip(["install", "leader-elected", "config-changed", "start"]) {
        let outcome = juju.dispatch(Event::hook(hook));
        assert_untouched(&outcome);
        assert_eq!(notices(&outcome), [""; 0], "{outcome}");
        assert_eq!(outcome.log.len(), 2, "{outcome}");
        assert_eq!(waiting(&juju), dispatches);
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&buffer(&juju)), 0o700, "nobody else finds the traces");
    for trace in queue::traces(&buffer(&juju)) {
        assert_eq!(mode(&trace.path), 0o600, "nobody else reads the traces");
    }
}

#[test]
fn a_full_buffer_drops_the_oldest() {
    let collector = Collector::start();
    let mut juju = session_charm();
    let keeping_three = |event: Event| event.env("TRACE_BUFFER_EVENTS", "3");
    let ids: Vec<_> = (0..5).map(|_| trace_id(&juju.dispatch(keeping_three(Event::hook("start"))))).collect();
    assert_eq!(waiting(&juju), 3);
    let healthy = keeping_three(Event::hook("start")).env("TRACE_ENDPOINT", &collector.endpoint());
    let healthy = juju.dispatch(healthy);
    let expected: Vec<_> = ids[2..].iter().cloned().chain([trace_id(&healthy)]).collect();
    assert_eq!(delivered(&collector), expected, "{healthy}");
    assert_eq!(waiting(&juju), 0);
}

/// Not the trace for which the others were dropped: it was encoded before.
#[test]
fn the_next_trace_tells_what_was_lost() {
    let collector = Collector::start();
    let mut juju = session_charm();
    let keeping_three = |event: Event| event.env("TRACE_BUFFER_EVENTS", "3");
    for _ in 0..6 {
        juju.dispatch(keeping_three(Event::hook("start")));
    }
    let healthy = || keeping_three(Event::hook("start")).env("TRACE_ENDPOINT", &collector.endpoint());
    collector.answer(Answer::Then(vec![Answer::Status(400), Answer::Accept]));
    juju.dispatch(healthy());
    juju.dispatch(healthy());
    juju.dispatch(healthy());
    let told: Vec<_> = whole_traces(&collector)
        .iter()
        .filter(|span| span.parent_span_id.is_none())
        .map(|root| {
            let counts = ["dropped", "refused", "lost"]
                .map(|what| root.attribute(&format!("charm_tracing.{what}_traces")).map(Value::to_string));
            counts.map(Option::unwrap_or_default).join("/")
        })
        .collect();
    // The first three were dropped, and the fourth refused.
    assert_eq!(told, ["1//", "1//", "1//", "/1/", "//"]);
}

#[test]
fn a_full_buffer_gives_up_the_boring_before_the_interesting() {
    let collector = Collector::start();
    let mut juju = struct_charm();
    // `start` calls the workload, nothing handles the others.
    let hooks = ["start", "install", "leader-elected", "start", "config-changed"];
    let ids: Vec<_> = hooks.iter().map(|hook| trace_id(&juju.dispatch(Event::hook(hook)))).collect();
    let relation = relate(&mut juju, &collector.endpoint());
    let healthy = juju.dispatch(Event::relation_changed(&relation));
    let expected = [ids[0].clone(), ids[3].clone(), ids[4].clone(), trace_id(&healthy)];
    assert_eq!(delivered(&collector), expected);
}

#[test]
fn the_buffer_is_where_the_charm_wants_it_in_directories_that_are_made() {
    let mut juju = struct_charm();
    let outcome = juju.dispatch(Event::hook("start"));
    assert_untouched(&outcome);
    assert_eq!(waiting_in(&juju.charm_dir().join("state/traces/buffer")), 1);
    assert!(!buffer(&juju).exists());
    let too_small = "WARNING the charm asks for a trace buffer of 5 MiB; 10 MiB is the least and is used";
    assert_eq!(notices(&outcome), [too_small]);
}

#[test]
fn a_charm_without_a_buffer_pushes_at_once_and_loses_the_rest_silently() {
    let collector = Collector::start();
    let mut juju = session_charm();
    let bufferless = |event: Event| event.env("TRACE_BUFFER_EVENTS", "0");
    let lost = juju.dispatch(bufferless(Event::hook("start")));
    assert_eq!(lost.stdout, "delivered 0\nwaiting 0\nbuffered false\nlost true\n", "{lost}");
    assert_eq!(notices(&lost), [""; 0], "the charm chose so");
    let pushed = bufferless(Event::hook("start")).env("TRACE_ENDPOINT", &collector.endpoint());
    let pushed = juju.dispatch(pushed);
    assert_eq!(pushed.stdout, "delivered 1\nwaiting 0\nbuffered false\nlost false\n", "{pushed}");
    assert_eq!(delivered(&collector), [trace_id(&pushed)]);
    assert!(!buffer(&juju).exists());
}

#[test]
fn switched_off_means_no_span_no_file_and_no_line() {
    let collector = Collector::start();
    let mut juju = test_charm();
    let _ = relate(&mut juju, &collector.endpoint());
    for value in ["0", "false", "no", "true"] {
        let outcome = juju.dispatch(Event::hook("update-status").env("CHARM_TRACING_ENABLED", value));
        assert_untouched(&outcome);
        assert!(outcome.calls.iter().all(|call| call[0] != "juju-log"), "{outcome}");
        assert_eq!(outcome.unit_status.message, "ready", "the charm does its work");
    }
    assert!(!buffer(&juju).exists());
    assert_eq!(collector.requests().len(), 0);

    for value in ["1", ""] {
        let outcome = juju.dispatch(Event::hook("update-status").env("CHARM_TRACING_ENABLED", value));
        assert_eq!(delivered(&collector).last(), Some(&trace_id(&outcome)), "{value:?} is on");
    }
}

#[test]
fn the_controllers_endpoint_is_used_where_the_relation_gives_none() {
    let (controllers, relations) = (Collector::start(), Collector::start());
    let mut juju = test_charm().juju_version("4.1.0");
    let setting = ("JUJU_CHARM_TRACE_CONFIG_HTTP", controllers.endpoint());
    let first = juju.dispatch(Event::hook("start").env(setting.0, &setting.1));
    assert_untouched(&first);
    assert_eq!(delivered(&controllers), [trace_id(&first)]);

    let _ = relate(&mut juju, &relations.endpoint());
    let second = juju.dispatch(Event::hook("start").env(setting.0, &setting.1));
    assert_eq!(delivered(&relations), [trace_id(&second)]);
    assert_eq!(controllers.requests().len(), 1);
}

#[test]
fn an_endpoint_for_grpc_alone_is_none() {
    let collector = Collector::start();
    let mut juju = test_charm().juju_version("4.1.0");
    let grpc = collector.endpoint().replace("http://", "");
    let outcome = juju.dispatch(Event::hook("start").env("JUJU_CHARM_TRACE_CONFIG_GRPC", &grpc));
    assert_untouched(&outcome);
    assert_eq!(notices(&outcome), [""; 0], "said at debug, for whoever looks for it");
    assert_eq!((waiting(&juju), collector.requests().len()), (1, 0));
}

#[test]
fn the_hook_that_brings_the_endpoint_delivers_and_without_the_relation_traces_wait_again() {
    let collector = Collector::start();
    let mut juju = test_charm();
    let installed = juju.dispatch(Event::hook("install"));
    let relation = juju.relate("tracing", "tempo");
    let created = juju.dispatch(Event::relation_created(&relation));
    assert_eq!((waiting(&juju), collector.requests().len()), (2, 0));

    relation.publish_endpoint(&collector.endpoint());
    let changed = juju.dispatch(Event::relation_changed(&relation));
    assert_untouched(&changed);
    assert_eq!(delivered(&collector), [trace_id(&installed), trace_id(&created), trace_id(&changed)]);
    assert_eq!(waiting(&juju), 0);

    let broken = juju.dispatch(Event::relation_broken(&relation));
    assert_untouched(&broken);
    assert_eq!(waiting(&juju), 1, "the hook that ends the relation has no backend any more");
    collector.clear();
    for dispatches in 2..=3 {
        assert_untouched(&juju.dispatch(Event::hook("update-status")));
        assert_eq!((waiting(&juju), collector.requests().len()), (dispatches, 0));
    }
}

#[test]
fn a_backend_that_moves_gets_what_comes_from_then_on() {
    let (before, after) = (Collector::start(), Collector::start());
    let mut juju = test_charm();
    let relation = relate(&mut juju, &before.endpoint());
    let first = juju.dispatch(Event::hook("start"));
    relation.publish_endpoint(&after.endpoint());
    let second = juju.dispatch(Event::relation_changed(&relation));
    assert_eq!(delivered(&before), [trace_id(&first)]);
    assert_eq!(delivered(&after), [trace_id(&second)]);
}

#[test]
fn fifty_dispatches_at_once_that_share_a_buffer_lose_nothing() {
    let shared = Shared::new();
    let mut ids = ids(&at_once(AT_ONCE, session_charm, || shared.event()));
    assert_eq!(waiting_in(&shared.path), AT_ONCE);

    let collector = Collector::start();
    ids.push(shared.deliver(&collector));
    assert_eq!(sorted(delivered(&collector)), sorted(ids));
    whole_traces(&collector);
}

#[test]
fn fifty_dispatches_at_once_that_share_a_buffer_and_a_backend_deliver_each_trace_once() {
    let (shared, collector) = (Shared::new(), Collector::start());
    let event = || shared.event().env("TRACE_ENDPOINT", &collector.endpoint());
    let mut ids = ids(&at_once(AT_ONCE, session_charm, event));
    // One sends at a time, the others leave theirs to it; what came when it had looked for the last time waits.
    assert_eq!(delivered(&collector).len() + waiting_in(&shared.path), AT_ONCE);

    ids.push(shared.deliver(&collector));
    assert_eq!(waiting_in(&shared.path), 0);
    assert_eq!(sorted(delivered(&collector)), sorted(ids));
    whole_traces(&collector);
}

#[test]
fn fifty_dispatches_at_once_that_share_a_full_buffer_keep_to_its_limit_and_count_what_they_drop() {
    const LIMIT: usize = 10;
    let shared = Shared::new();
    let limited = |event: Event| event.env("TRACE_BUFFER_EVENTS", "10").env("TRACE_LOSSES", "1");
    let outcomes = at_once(AT_ONCE, session_charm, || limited(shared.event()));
    assert_eq!(waiting_in(&shared.path), LIMIT);
    let dropped = |outcome: &Outcome| -> usize {
        let line = outcome.stdout.lines().find_map(|line| line.strip_prefix("dropped "));
        line.unwrap().parse().unwrap()
    };
    assert_eq!(outcomes.iter().map(dropped).sum::<usize>(), AT_ONCE - LIMIT);
}

/// The process of each has the same number.
#[test]
fn containers_that_share_a_buffer_and_a_backend_deliver_each_trace_once() {
    const CONTAINER: &str = "unshare --map-root-user --pid --fork";
    const CONTAINERS: usize = 15;
    let permits = Command::new("sh").args(["-c", &format!("{CONTAINER} true")]).output().unwrap();
    if !permits.status.success() {
        let why = String::from_utf8_lossy(&permits.stderr).into_owned();
        return writeln!(io::stderr(), "NOT RUN: {CONTAINER}: {why}").unwrap();
    }
    let (shared, collector) = (Shared::new(), Collector::start());
    let mut all = Vec::new();
    for knows_backend in [false, true, true] {
        let event = || {
            let event = shared.event();
            if knows_backend { event.env("TRACE_ENDPOINT", &collector.endpoint()) } else { event }
        };
        all.extend(ids(&at_once(CONTAINERS, || session_charm_by(CONTAINER), event)));
        assert_eq!(delivered(&collector).len() + waiting_in(&shared.path), all.len());
    }
    all.push(shared.deliver(&collector));
    assert_eq!(sorted(delivered(&collector)), sorted(all));
    whole_traces(&collector);
}

/// A directory of traces that several units have in common.
struct Shared {
    _parent: TempDir,
    path: PathBuf,
}

impl Shared {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        Self { path: parent.path().join("traces"), _parent: parent }
    }

    fn event(&self) -> Event {
        Event::hook("start").env("TRACE_BUFFER", self.path.to_str().unwrap())
    }

    /// A dispatch of one more unit, which sends all that waits. Returns the id of its trace.
    fn deliver(&self, collector: &Collector) -> String {
        // A busy machine does not send so many within the usual two seconds.
        let event = self.event().env("TRACE_ENDPOINT", &collector.endpoint()).env("TRACE_SECONDS", "60");
        trace_id(&session_charm().dispatch(event))
    }
}

const AT_ONCE: usize = 50;

/// Dispatches of so many units, all of which begin at the same moment.
fn at_once(units: usize, charm: impl Fn() -> Juju + Sync, event: impl Fn() -> Event) -> Vec<Outcome> {
    let ready = Barrier::new(units);
    thread::scope(|scope| {
        let units: Vec<_> = (0..units)
            .map(|unit| {
                let (event, charm, ready) = (event(), &charm, &ready);
                scope.spawn(move || {
                    let mut juju = charm().unit(&format!("app/{unit}"));
                    ready.wait();
                    juju.dispatch(event)
                })
            })
            .collect();
        units.into_iter().map(|unit| unit.join().unwrap()).collect()
    })
}

fn ids(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(trace_id).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[test]
fn ten_thousand_calls_in_one_dispatch_arrive_complete() {
    const CALLS: usize = 10_000;
    let collector = Collector::start();
    let mut juju = test_charm();
    juju.set_config("calls", CALLS);
    assert_untouched(&juju.dispatch(Event::hook("config-changed")));
    assert_eq!(waiting(&juju), 1);

    // Sent by a charm with more patience than the default: a collector without optimisation takes its time for it.
    let path = buffer(&juju);
    let event = Event::hook("start").env("TRACE_ENDPOINT", &collector.endpoint()).env("TRACE_SECONDS", "30");
    let sent = session_charm().dispatch(event.env("TRACE_BUFFER", path.to_str().unwrap()));
    assert_eq!(sent.stdout, "delivered 2\nwaiting 0\nbuffered false\nlost false\n", "{sent}");
    let spans = whole_traces(&collector);
    let calls = spans.iter().filter(|span| span.name == "method call: TestCharm.apply");
    assert_eq!(calls.count(), CALLS);
    let first = collector.requests()[0].trace.clone().unwrap();
    assert_eq!(first.len(), CALLS + 7);
    assert!(first.outline().to_string().starts_with(
        "\
app/0: config-changed event
  method call: TestCharm.new
    config-get
    relation-ids
  event: config_changed
    method call: TestCharm.handle
      method call: TestCharm.on_config_changed
        method call: TestCharm.apply
        method call: TestCharm.apply
"
    ));
}
