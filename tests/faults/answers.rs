//! The answers of the backend.

use std::thread;
use std::time::Duration;

use charm_testing::collector::{Answer, Collector, Reply};

use crate::document::assert_documented;
use crate::fault::Fault;
use crate::trial::Trial;
use crate::waits::{SECOND, SHORT, UP_TO_A_SECOND};

const REFUSED: [&str; 2] = ["all lost", "the first trace blocks all others for ever, 10 requests a dispatch"];

#[test]
fn whatever_the_backend_answers() {
    let faults = [none_and_slow(), not_now(), wrong_endpoint(), refused(), accepted(), broken(), backlogs()];
    assert_documented("The backend", &faults.into_iter().flatten().collect::<Vec<_>>());
}

fn none_and_slow() -> Vec<Fault> {
    vec![
        Fault::new("none: a healthy backend", |trial| trial.hooks(2)).peers("0.295 s", "0.222 s"),
        Fault::new("there is no backend yet", |trial| trial.hooks(2))
            .offline()
            .peers("0.291 s, a warning in each dispatch", "0.220 s"),
        answers("it accepts the connection and never answers", Answer::Hang)
            .waits(&[SECOND, SHORT])
            .peers("1.3 s", "6.3 s"),
        answers("it accepts the connection and never reads", Answer::HangOnAccept).waits(&[SECOND, SHORT]),
        answers("it takes the trace and says so after 5 s", after(5000)).waits(&[SECOND, SHORT]).repeats(1),
        answers("it answers after 0.3 s", after(300)).waits(&[SHORT]),
    ]
}

fn not_now() -> Vec<Fault> {
    vec![
        answers("it answers 500", Answer::Status(500)),
        answers("it answers 502", Answer::Status(502)),
        answers("it answers 503", Answer::Status(503))
            .peers("3.4 s, 10 s with 1500 spans", "0.26 s, the same trace is posted 10 times"),
        answers("it answers 504", Answer::Status(504)),
        answers("it answers 408", Answer::Status(408)),
        answers("it answers 429", Answer::Status(429)),
        answers("it answers 429 and asks for a pause of 1 s", Reply::new(429).header("retry-after", "1"))
            .mended(|trial| {
                trial.backend.answer(Answer::Accept);
                thread::sleep(Duration::from_millis(1500));
            }),
        answers(
            "it asks for a pause of an hour, and is replaced by another",
            Reply::new(503).header("retry-after", "3600"),
        )
        .mended(|trial| {
            let other = Collector::start();
            trial.send_to(&other.endpoint());
            trial.others.push(other);
        }),
    ]
}

fn wrong_endpoint() -> Vec<Fault> {
    vec![
        redirects("it answers 302", 302),
        redirects("it answers 308", 308),
        answers("it answers 401", Answer::Status(401)),
        answers("it answers 403", Answer::Status(403)),
        answers("it answers 404", Answer::Status(404)),
        answers("it answers 405", Answer::Status(405)),
        answers("it answers 410", Answer::Status(410)),
        answers("it answers 415", Answer::Status(415)),
        answers("it answers 421", Answer::Status(421)),
        answers("it answers 426", Answer::Status(426)),
    ]
}

fn refused() -> Vec<Fault> {
    vec![
        answers("it answers 400", Answer::Status(400)).loses(2).peers(REFUSED[0], REFUSED[1]),
        Fault::new("it answers 400 to one trace of five", |trial| {
            trial.buffered(4);
            let answers = vec![Answer::Accept, Answer::Status(400), Answer::Accept];
            trial.backend.answer(Answer::Then(answers));
            trial.hooks(1);
        })
        .loses(1)
        .peers(REFUSED[0], REFUSED[1]),
        answers("it answers 413", Answer::Status(413)).loses(2),
        answers("it answers 422 and says why", Reply::new(422).body("bad\r\nspan id")).loses(2),
    ]
}

fn accepted() -> Vec<Fault> {
    let partial = Answer::PartialSuccess { rejected: 2, message: "too old".to_owned() };
    let promised = repeated("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", "");
    let with_headers = |count: usize, length: usize| {
        let name = |number| format!("x-header-{number}");
        (0..count).fold(Reply::new(200), |reply, number| reply.header(&name(number), &"x".repeat(length)))
    };
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    vec![
        answers("it answers 200 and rejects 2 spans", partial),
        answers("it answers 200 and garbage", Reply::new(200).body(b"\xff\xfe<html>".as_slice())),
        answers(
            "it answers 200 and half of a body",
            bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
        ),
        answers("it answers 200 and a body that never ends", repeated(endless, "4\r\nmore\r\n")),
        answers("it answers 200 and promises a body that never comes", promised),
        answers("it answers 200 with 20 kB of headers", with_headers(1, 20_000)),
        answers("it answers 200 with 200 headers", with_headers(200, 10)),
        answers("it answers 204", Answer::Status(204)),
    ]
}

fn broken() -> Vec<Fault> {
    vec![
        answers("it closes the connection before it answers", Answer::CloseEarly),
        answers("it takes the trace and closes the connection before it says so", Answer::TakeAndClose)
            .repeats(1),
        answers("it answers the first half of its headers", bytes("HTTP/1.1 200 OK\r\ncontent-")),
        answers("its headers never end", repeated("HTTP/1.1 200 OK\r\n", "x-more: of it\r\n")),
        answers("it does not speak HTTP", bytes("220 mail.example ESMTP\r\n")),
    ]
}

fn backlogs() -> Vec<Fault> {
    vec![
        Fault::new("it dies while a backlog of 6 is sent", |trial| {
            trial.buffered(6);
            let answers = vec![Answer::Accept, Answer::Accept, Answer::CloseEarly];
            trial.backend.answer(Answer::Then(answers));
            trial.hooks(1);
        })
        .mended(recovered)
        .peers("what was accepted is sent again", "none is sent twice"),
        Fault::new("it comes when 100 traces wait", |trial| {
            trial.buffered(100);
            trial.hooks(1);
            let requests = trial.backend.requests();
            // The first one was that of the hook before.
            assert!(requests.iter().skip(1).all(|request| request.connection == 2));
            "over one connection".clone_into(&mut trial.remark);
        })
        .waits(&[UP_TO_A_SECOND])
        .peers("1 dispatch, 101 requests, one trace twice", "23 dispatches, 10 traces in each"),
    ]
}

/// Two hooks meet this answer.
fn answers(name: &'static str, answer: impl Into<Answer>) -> Fault {
    let answer = answer.into();
    let strike = move |trial: &mut Trial| {
        trial.backend.answer(answer.clone());
        trial.hooks(2);
    };
    Fault::new(name, strike).mended(recovered)
}

/// Two hooks are sent to another backend, which would take their traces if the redirect was followed.
fn redirects(name: &'static str, status: u16) -> Fault {
    let strike = move |trial: &mut Trial| {
        let elsewhere = Collector::start();
        let location = format!("{}/v1/traces", elsewhere.endpoint());
        trial.backend.answer(Reply::new(status).header("location", &location));
        trial.others.push(elsewhere);
        trial.hooks(2);
        assert_eq!(trial.delivered(), 0, "a redirect is not followed");
    };
    Fault::new(name, strike).mended(recovered)
}

fn recovered(trial: &mut Trial) {
    trial.backend.answer(Answer::Accept);
}

fn after(milliseconds: u64) -> Answer {
    Answer::After(Duration::from_millis(milliseconds), Box::new(Answer::Accept))
}

fn bytes(text: &str) -> Answer {
    Answer::Bytes(text.into())
}

fn repeated(first: &str, then: &str) -> Answer {
    Answer::Endless(first.into(), then.repeat(500).into())
}
