//! Whatever the backend does, the hook goes as if it were not there, and no trace is lost or delivered twice.

use std::thread;
use std::time::Duration;

use charm_testing::collector::{Answer, Collector, Reply, port_closed_endpoint};
use charm_testing::juju::{Event, Outcome, SimulatedJuju};
use serde_json::json;

use crate::unit::{
    assert_untouched_and_quick, delivered, notices, relate, session_charm, test_charm, trace_id, waiting,
    whole_traces,
};

#[test]
fn a_closed_port_costs_nothing_and_the_traces_wait() {
    let (mut juju, relation) = related_to(&port_closed_endpoint());
    let mut ids = Vec::new();
    for dispatches in 1..=3 {
        let outcome = juju.dispatch(Event::hook("update-status"));
        assert_kept(&outcome);
        assert!(outcome.wall < Duration::from_secs(1), "there is nothing to wait for: {outcome}");
        assert_eq!(waiting(&juju), dispatches);
        ids.push(trace_id(&outcome));
    }
    let collector = Collector::start();
    juju.publish_endpoint(relation, &collector.endpoint());
    assert_delivers_all(&mut juju, &collector, ids);
}

#[test]
fn answers_that_ask_for_patience_keep_the_trace() {
    for status in [408, 429, 500, 502, 503, 504] {
        assert_keeps_and_delivers_later(Answer::Status(status));
    }
}

#[test]
fn answers_that_mean_a_wrong_configuration_keep_the_trace() {
    for status in [401, 403, 404] {
        assert_keeps_and_delivers_later(Answer::Status(status));
    }
}

#[test]
fn a_backend_that_never_answers_is_left_in_time() {
    assert_keeps_and_delivers_later(Answer::Hang);
}

#[test]
fn a_backend_that_never_reads_is_left_in_time() {
    assert_keeps_and_delivers_later(Answer::HangOnAccept);
}

#[test]
fn a_backend_that_hangs_up_keeps_the_trace() {
    assert_keeps_and_delivers_later(Answer::CloseEarly);
}

#[test]
fn a_backend_that_answers_too_late_is_left_in_time() {
    let (collector, mut juju) = backend_and_charm();
    collector.answer(Answer::After(Duration::from_secs(5), Box::new(Answer::Status(503))));
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_kept(&outcome);
    collector.answer(Answer::Accept);
    assert_delivers_all(&mut juju, &collector, vec![trace_id(&outcome)]);
}

#[test]
fn a_backend_that_is_merely_slow_gets_the_trace() {
    let (collector, mut juju) = backend_and_charm();
    collector.answer(Answer::After(Duration::from_millis(250), Box::new(Answer::Accept)));
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&outcome);
    assert_eq!((waiting(&juju), delivered(&collector)), (0, vec![trace_id(&outcome)]));
}

#[test]
fn redirects_keep_the_trace_and_are_not_followed() {
    let elsewhere = Collector::start();
    for status in [301, 302, 307, 308] {
        let location = format!("{}/v1/traces", elsewhere.endpoint());
        assert_keeps_and_delivers_later(Reply::new(status).header("location", &location));
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn a_failing_hook_fails_alike_whatever_the_backend_does() {
    let alone = test_charm().start().dispatch(Event::hook("upgrade-charm"));
    assert_eq!(alone.code(), Some(1), "{alone}");
    let (collector, mut juju) = backend_and_charm();
    collector.answer(Answer::Status(503));
    let outcome = juju.dispatch(Event::hook("upgrade-charm"));
    assert_eq!(waiting(&juju), 1);
    assert_eq!(
        (outcome.code(), &outcome.stdout, &outcome.stderr),
        (alone.code(), &alone.stdout, &alone.stderr)
    );
    assert_eq!(notices(&outcome), notices(&alone));
}

#[test]
fn an_actions_output_is_the_charms_alone_whatever_the_backend_does() {
    let (collector, mut juju) = backend_and_charm();
    collector.answer(Answer::Status(503));
    let outcome = juju.dispatch(Event::action("backup", json!({})));
    assert!(outcome.success(), "{outcome}");
    let printed = "the backup begins\nthe backup is done\n";
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (printed, ""));
    assert_eq!(waiting(&juju), 1);
}

#[test]
fn a_pause_that_the_backend_asks_for_is_kept_across_dispatches() {
    let collector = Collector::start();
    let (mut juju, relation) = related_to(&collector.endpoint());
    collector.answer(Reply::new(429).header("retry-after", "3600"));
    let mut ids = vec![trace_id(&juju.dispatch(Event::hook("update-status")))];
    collector.answer(Answer::Accept);
    for dispatches in 2..=4 {
        let outcome = juju.dispatch(Event::hook("update-status"));
        assert_kept(&outcome);
        assert_eq!((collector.requests().len(), waiting(&juju)), (1, dispatches));
        ids.push(trace_id(&outcome));
    }
    // Another backend has not asked for anything.
    let other = Collector::start();
    juju.publish_endpoint(relation, &other.endpoint());
    assert_delivers_all_in(Event::relation_changed("tracing", relation), &mut juju, &other, ids);
}

#[test]
fn a_pause_that_is_over_is_over() {
    let (collector, mut juju) = backend_and_charm();
    collector.answer(Reply::new(503).header("retry-after", "1"));
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_kept(&outcome);
    collector.answer(Answer::Accept);
    // It is up to a quarter longer than was asked for.
    thread::sleep(Duration::from_millis(1300));
    assert_delivers_all(&mut juju, &collector, vec![trace_id(&outcome)]);
}

#[test]
fn a_trace_that_is_refused_for_good_makes_way_for_the_next() {
    for (status, body, reason) in [
        (400, "", "the backend answered 400"),
        (413, "", "the backend answered 413"),
        (422, "bad span\nid", "the backend answered 422: bad span id"),
    ] {
        let (collector, mut juju) = backend_and_charm();
        collector.answer(Answer::Status(503));
        let _refused = juju.dispatch(Event::hook("install"));
        collector.answer(Answer::Then(vec![Reply::new(status).body(body).into(), Answer::Accept]));
        let next = juju.dispatch(Event::hook("update-status"));
        assert_untouched_and_quick(&next);
        assert_eq!(
            notices(&next),
            [format!("WARNING the tracing backend refused 1 trace for good: {reason}")]
        );
        assert_eq!((waiting(&juju), delivered(&collector)), (0, vec![trace_id(&next)]));

        let after = juju.dispatch(Event::hook("update-status"));
        assert_eq!(notices(&after), [""; 0], "said once");
        assert_eq!(collector.requests().len(), 4, "never sent again");
    }
}

#[test]
fn spans_that_the_backend_rejects_are_told_and_not_sent_again() {
    let (collector, mut juju) = backend_and_charm();
    collector.answer(Answer::PartialSuccess { rejected: 2, message: "too old".to_owned() });
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_untouched_and_quick(&outcome);
    assert_eq!(notices(&outcome), ["WARNING the tracing backend rejected 2 spans: too old"]);
    assert_eq!((waiting(&juju), collector.requests().len()), (0, 1));

    collector.answer(Answer::PartialSuccess { rejected: 0, message: String::new() });
    let outcome = juju.dispatch(Event::hook("update-status"));
    assert_eq!(notices(&outcome), [""; 0], "an empty partial success is a success");
    assert_eq!((waiting(&juju), collector.requests().len()), (0, 2));
}

#[test]
fn a_backend_that_dies_while_the_queue_is_sent_gets_nothing_twice() {
    let (collector, mut juju) = backend_and_charm();
    collector.answer(Answer::Status(503));
    let mut ids: Vec<_> = (0..6).map(|_| trace_id(&juju.dispatch(Event::hook("update-status")))).collect();
    let taken = vec![Answer::Accept, Answer::Accept, Answer::CloseEarly];
    collector.answer(Answer::Then(taken));
    let interrupted = juju.dispatch(Event::hook("update-status"));
    assert_kept(&interrupted);
    ids.push(trace_id(&interrupted));
    assert_eq!((delivered(&collector), waiting(&juju)), (ids[..2].to_vec(), 5));

    collector.answer(Answer::Accept);
    assert_delivers_all(&mut juju, &collector, ids);
}

#[test]
fn a_backlog_that_takes_too_long_is_sent_over_several_dispatches() {
    let collector = Collector::start();
    let mut juju = session_charm().start();
    let mut ids: Vec<_> = (0..12).map(|_| trace_id(&juju.dispatch(Event::hook("start")))).collect();
    collector.answer(Answer::After(Duration::from_millis(200), Box::new(Answer::Accept)));
    let mut dispatches = 0;
    while waiting(&juju) > 0 {
        let outcome = juju.dispatch(Event::hook("start").env("TRACE_ENDPOINT", &collector.endpoint()));
        assert!(outcome.success() && outcome.wall <= Duration::from_millis(2500), "{outcome}");
        assert_eq!(notices(&outcome), [""; 0], "{outcome}");
        ids.push(trace_id(&outcome));
        dispatches += 1;
        assert!(dispatches < 10, "each dispatch sends some: {outcome}");
    }
    assert!(dispatches > 1, "2 s are not enough for 13 answers that take 200 ms each");
    assert_eq!(delivered(&collector), ids);
}

#[test]
fn a_hanging_backend_costs_the_next_dispatches_less() {
    let (collector, mut juju) = backend_and_charm();
    collector.answer(Answer::Hang);
    let first = juju.dispatch(Event::hook("update-status"));
    assert_kept(&first);
    assert!(first.wall >= Duration::from_millis(900), "a second is its due: {first}");
    let next = juju.dispatch(Event::hook("update-status"));
    assert_kept(&next);
    assert!(next.wall < Duration::from_millis(900), "{next}");
    // Of the others one in eight has a second again.
    let others = (0..7).map(|_| juju.dispatch(Event::hook("update-status")));
    let short = others.inspect(assert_kept).filter(|other| other.wall < Duration::from_millis(900)).count();
    assert!(short >= 2, "{short} of 7");
}

/// A charm that is related to a backend.
fn backend_and_charm() -> (Collector, SimulatedJuju) {
    let collector = Collector::start();
    let (juju, _) = related_to(&collector.endpoint());
    (collector, juju)
}

fn related_to(endpoint: &str) -> (SimulatedJuju, u32) {
    let mut juju = test_charm().start();
    let relation = relate(&mut juju, endpoint);
    (juju, relation)
}

/// Two traces meet this answer, and are delivered once when the backend has recovered.
#[track_caller]
fn assert_keeps_and_delivers_later(answer: impl Into<Answer>) {
    let answer = answer.into();
    let (collector, mut juju) = backend_and_charm();
    collector.answer(answer.clone());
    let mut ids = Vec::new();
    for hook in ["install", "update-status"] {
        let outcome = juju.dispatch(Event::hook(hook));
        assert_kept(&outcome);
        ids.push(trace_id(&outcome));
    }
    assert_eq!(delivered(&collector), [""; 0], "{answer:?}");
    assert_eq!(waiting(&juju), 2, "{answer:?}");
    collector.answer(Answer::Accept);
    assert_delivers_all(&mut juju, &collector, ids);
}

/// An outage is no news for the operator: whoever looks for it sets the log level.
#[track_caller]
fn assert_kept(outcome: &Outcome) {
    assert_untouched_and_quick(outcome);
    assert_eq!(notices(outcome), [""; 0], "{outcome}");
}

/// One more dispatch, and the backend has all of these and that one, each once, in this order.
#[track_caller]
fn assert_delivers_all(juju: &mut SimulatedJuju, collector: &Collector, ids: Vec<String>) {
    assert_delivers_all_in(Event::hook("update-status"), juju, collector, ids);
}

#[track_caller]
fn assert_delivers_all_in(
    event: Event,
    juju: &mut SimulatedJuju,
    collector: &Collector,
    mut ids: Vec<String>,
) {
    let healthy = juju.dispatch(event);
    assert_kept(&healthy);
    ids.push(trace_id(&healthy));
    assert_eq!(delivered(collector), ids, "{healthy}");
    assert_eq!(waiting(juju), 0);
    whole_traces(collector);
}
