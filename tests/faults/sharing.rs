//! Several processes with one buffer.

use std::fs;
use std::thread;
use std::time::Duration;

use charm_testing::collector::Answer;
use charm_testing::{Event, Outcome};

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::trial::{Trial, session_charm};
use crate::waits::{SHORT, WORK};

#[test]
fn whoever_else_has_the_buffer() {
    assert_documented(
        "Several processes with one buffer",
        &[
            Fault::new("20 dispatches at once, without a backend", |trial| at_once(trial, 20))
                .offline()
                .waits(&[WORK])
                .peers("1 to 7 of 20 traces kept", "20 of 20 traces kept"),
            removed("the buffer is removed while a trace is sent, which the backend takes", Answer::Accept),
            removed(
                "the buffer is removed while a trace is sent, which the backend does not take",
                Answer::Status(503),
            )
            .loses(1),
        ],
    );
}

/// One hook, and while it waits for this answer the buffer is removed.
fn removed(name: &'static str, answer: Answer) -> Fault {
    Fault::new(name, move |trial| {
        let answer = Box::new(answer.clone());
        trial.backend.answer(Answer::After(Duration::from_millis(300), answer));
        let sent = trial.backend.requests().len();
        let (buffer, event) = (trial.buffer.clone(), trial.event());
        let outcome = thread::scope(|scope| {
            let outcome = scope.spawn(|| trial.juju.dispatch(event));
            trial.backend.wait_for(sent + 1, Duration::from_secs(30)).unwrap();
            fs::remove_dir_all(buffer).unwrap();
            outcome.join().unwrap()
        });
        trial.others_hooks(vec![outcome]);
    })
    .mended(|trial| trial.backend.answer(Answer::Accept))
    .waits(&[SHORT])
}

/// Hooks of so many units that have their buffer in common.
fn at_once(trial: &mut Trial, units: usize) {
    trial.keep_in(trial.path("shared"));
    let event = trial.event();
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let dispatch =
            |unit, event: Event| move || session_charm().unit(&format!("app/{unit}")).dispatch(event);
        let units: Vec<_> = (0..units).map(|unit| scope.spawn(dispatch(unit, event.clone()))).collect();
        units.into_iter().map(|unit| unit.join().unwrap()).collect()
    });
    trial.others_hooks(outcomes);
}
