//! How the charm's process ends, and how much it does.

use std::time::Duration;

use charm_testing::{Event, Value};

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::trial::{killed_charm, test_charm};
use crate::waits::{NOTHING, WORK};

/// Longer than any of these takes.
const LONGEST: Duration = Duration::from_mins(1);

const NOTHING_LEFT: &str = "nothing is left";

#[test]
fn however_the_charm_ends() {
    assert_documented(
        "The charm",
        &[
            ends("its handler fails, in a `Session`", "stop", "3"),
            ends("its handler panics, in a `Session`", "remove", "101"),
            ends("its handler fails, in `run`", "upgrade-charm", "1").of(test_charm),
            ends("its handler panics, in `run`", "stop", "101").of(test_charm),
            Fault::new("its constructor panics, in `run`", |trial| {
                trial.juju.set_config("calls", 1_000_000);
                trial.hooks(2);
            })
            .of(test_charm)
            .ends("101")
            .mended(|trial| trial.juju.set_config("calls", 0)),
            dies("it calls `std::process::exit`", "exit", LONGEST)
                .ends("7")
                .peers(NOTHING_LEFT, NOTHING_LEFT),
            dies("it aborts", "abort", LONGEST).ends("signal 6").peers(NOTHING_LEFT, NOTHING_LEFT),
            dies("it is killed after half a second", "seldom", Duration::from_millis(500))
                .ends("signal 9")
                .waits(&[WORK])
                .peers(NOTHING_LEFT, NOTHING_LEFT),
            dies("it is killed after 7 s", "seldom", Duration::from_secs(7))
                .ends("signal 9")
                .waits(&[WORK])
                .peers(
                    "the finished spans without a root, later sent twice",
                    "the finished spans without a root",
                ),
            Fault::new("its tracing is switched off", |trial| {
                trial.variables.insert("CHARM_TRACING_ENABLED", "0".to_owned());
                trial.hooks(2);
            })
            .untraced()
            .mended(|trial| _ = trial.variables.remove("CHARM_TRACING_ENABLED")),
            Fault::new("it has no buffer, and the backend is healthy", |trial| {
                trial.variables.insert("TRACE_BUFFER_EVENTS", "0".to_owned());
                trial.hooks(2);
            }),
            Fault::new("it has no buffer and knows of no backend", |trial| {
                trial.variables.insert("TRACE_BUFFER_EVENTS", "0".to_owned());
                trial.hooks(2);
            })
            .offline()
            .loses(2),
            Fault::new("105 dispatches, and the buffer is for 100", |trial| trial.hooks(105))
                .offline()
                .loses(5)
                .peers(
                    "counts batches of spans: full after 34 dispatches of 1500 spans",
                    "40 MiB, however many",
                ),
            Fault::new("10,000 spans in one dispatch", |trial| {
                trial.variables.insert("TRACE_CALLS", "10000".to_owned());
                // A collector without optimisation takes its time for them.
                trial.variables.insert("TRACE_SECONDS", "60".to_owned());
                trial.hooks(1);
                let spans = trial.backend.requests().last().unwrap().trace.as_ref().unwrap().len();
                // Beside the calls there are the root and the event.
                assert_eq!(spans, 10_002);
                "with all its spans".clone_into(&mut trial.remark);
            })
            .waits(&[WORK])
            .mended(|trial| _ = trial.variables.remove("TRACE_CALLS"))
            .peers("23 to 49 % of the spans lost", "74 % of the spans lost"),
            Fault::new("1,000,000 spans in one dispatch", |trial| {
                let calls = 1_000_000;
                trial.variables.insert("TRACE_CALLS", calls.to_string());
                trial.variables.insert("TRACE_SECONDS", "60".to_owned());
                trial.hooks(1);
                let spans = trial.backend.requests().last().unwrap().trace.clone().unwrap();
                let root = spans.iter().find(|span| span.parent_span_id.is_none()).unwrap();
                let dropped = root.attribute("charm_tracing.dropped_spans").and_then(Value::as_i64).unwrap();
                assert_eq!(spans.len() + usize::try_from(dropped).unwrap(), calls + 2);
                "with what fits into 4.5 MB, and the number of the other spans".clone_into(&mut trial.remark);
            })
            .waits(&[WORK])
            .mended(|trial| _ = trial.variables.remove("TRACE_CALLS")),
        ],
    );
}

/// Two hooks in which it does this work, until it is killed if that takes so long.
fn dies(name: &'static str, work: &'static str, time: Duration) -> Fault {
    Fault::new(name, move |trial| {
        trial.variables.insert("WORK", work.to_owned());
        trial.variables.insert("WORK_MILLISECONDS", "60000".to_owned());
        for _ in 0..2 {
            trial.hook(trial.event().killed_after(time));
        }
    })
    .of(killed_charm)
    .mended(|trial| _ = trial.variables.remove("WORK"))
}

/// Two hooks of the session charm for whose events it ends so.
fn ends(name: &'static str, hook: &'static str, how: &'static str) -> Fault {
    Fault::new(name, move |trial| {
        for _ in 0..2 {
            trial.hook(trial.with_variables(Event::hook(hook)));
        }
    })
    .ends(how)
    .waits(&[NOTHING])
}
