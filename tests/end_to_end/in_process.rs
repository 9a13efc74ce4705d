//! A dispatch that `charm_tracing::testing` plays in the test's process has the trace of a real one.

use charm_testing::collector::Collector;
use charm_testing::{Event, Span, Trace};
use charm_tracing::juju::testing::{HookContext, Model};
use charm_tracing::testing;

use crate::unit::{struct_charm, whole_traces};

#[path = "../src/bin/struct-charm.rs"]
#[expect(dead_code, reason = "its `main` is for a process of its own")]
mod charm;

/// Returns all that is said of each span, without ids (that of the process, too), times and places in the code.
fn described(trace: &Trace) -> Vec<String> {
    let describe = |(depth, span): (usize, &Span)| {
        let own = span.attributes.iter().filter(|(key, _)| !key.starts_with("code.") && key != "process.pid");
        // Only the real unit has a `charmcraft.yaml`.
        let resource = span.resource.attributes.iter().filter(|(key, _)| key != "charm");
        let events: Vec<_> = span.events.iter().map(|event| (&event.name, &event.attributes)).collect();
        format!(
            "{depth} {} {:?} {:?} {:?} {events:?} {:?} {:?} {}",
            span.name,
            span.kind,
            span.status,
            own.collect::<Vec<_>>(),
            resource.collect::<Vec<_>>(),
            span.scope,
            span.flags,
        )
    };
    trace.walk().into_iter().map(describe).collect()
}

#[test]
fn a_dispatch_in_the_tests_process_has_the_trace_of_a_real_one() {
    for hook in ["start", "update-status"] {
        let collector = Collector::start();
        let mut real = struct_charm().model("testing", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c");
        real.set_leader(true);
        let _ = real.relate("tracing", "tempo");
        let pushed = Event::hook(hook).env("JUJU_CHARM_TRACE_CONFIG_HTTP", &collector.endpoint());
        let outcome = real.dispatch(pushed);
        assert!(outcome.success(), "{outcome}");

        let juju = Model::new("app/0");
        juju.set_leader(true);
        let _ = juju.add_relation("tracing", "tempo", &["tempo/0"]);
        let (new, handle) = (charm::StructCharm::new, charm::StructCharm::handle);
        let played = testing::dispatch(&juju, hook, HookContext::new(), new, handle);
        assert_eq!(played.result, Ok(()));
        assert_eq!(described(&played.trace), described(&whole_traces(&collector)), "{}", played.trace.tree());
        // What is said in Juju's log is about the delivery, too.
        let tools = |calls: Vec<Vec<String>>| -> Vec<_> {
            calls.into_iter().filter(|call| call[0] != "juju-log").collect()
        };
        assert_eq!(tools(juju.calls()), tools(outcome.calls));
    }
}
