//! A charm that works until it is killed, in the way that `WORK` says, for `WORK_MILLISECONDS` at most. When a span of `step`
//! has ended it says so in the file `ended` of the charm directory, where no kill reaches it: 8 bytes each, the time in
//! nanoseconds since 1970. With `BEAT` a thread that does nothing else writes the time into the file `beats` 40 times a second:
//! that shows how long the system let the process wait.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::{self, ExitCode};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Destination, Session, event, trace_fn};

fn main() -> ExitCode {
    if env::var_os("BEAT").is_some() {
        thread::spawn(|| {
            let mut beats = Times::open("beats");
            loop {
                beats.note();
                thread::sleep(Duration::from_millis(25));
            }
        });
    }
    let dispatch = Dispatch::from_env();
    let destination = dispatch.var("TRACE_ENDPOINT").map(|endpoint| Destination::new(endpoint, None));
    let work = env::var("WORK").unwrap_or_default();
    let time = env::var("WORK_MILLISECONDS").ok().and_then(|time| time.parse().ok()).unwrap_or(0);
    let mut session = Session::start(dispatch, Config::new().charm_type("KilledCharm"));
    session.event(|| {
        let until = Instant::now() + Duration::from_millis(time);
        match work.as_str() {
            "seldom" => seldom(until),
            "often" => often(until),
            "in-bursts" => in_bursts(until),
            "deep" => deep(until, 40),
            "on-threads" => on_threads(until),
            "then-silence" => {
                steps(100);
                thread::sleep(until - Instant::now());
            }
            "exit" => {
                steps(3);
                event("last", || process::exit(7));
            }
            "abort" => {
                steps(3);
                event("last", || process::abort());
            }
            "panic" => {
                steps(3);
                event("last", || panic!("nothing is left to do"));
            }
            _ => {}
        }
    });
    session.finish(destination);
    ExitCode::SUCCESS
}

#[trace_fn]
fn step(time: Duration) {
    if time >= Duration::from_millis(1) {
        thread::sleep(time);
    } else {
        let until = Instant::now() + time;
        while Instant::now() < until {}
    }
}

struct Times(File);

impl Times {
    fn open(name: &str) -> Self {
        Self(OpenOptions::new().append(true).create(true).open(name).expect("the charm directory"))
    }

    fn step(&mut self, time: Duration) {
        step(time);
        self.note();
    }

    fn note(&mut self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later");
        let nanos = u64::try_from(now.as_nanos()).expect("it is not that late");
        self.0.write_all(&nanos.to_le_bytes()).expect("the disk is not full");
    }
}

fn steps(count: u32) {
    let mut ended = Times::open("ended");
    for _ in 0..count {
        ended.step(Duration::ZERO);
    }
}

fn seldom(until: Instant) {
    let mut ended = Times::open("ended");
    while Instant::now() < until {
        ended.step(Duration::from_millis(3));
    }
}

fn often(until: Instant) {
    let mut ended = Times::open("ended");
    while Instant::now() < until {
        ended.step(Duration::from_micros(20));
    }
}

fn in_bursts(until: Instant) {
    while Instant::now() < until {
        event("burst", || steps(300));
        thread::sleep(Duration::from_millis(40));
    }
}

fn deep(until: Instant, levels: u32) {
    let mut ended = Times::open("ended");
    ended.step(Duration::from_millis(2));
    if levels > 0 && Instant::now() < until {
        event("deeper", || deep(until, levels - 1));
    } else if Instant::now() < until {
        thread::sleep(until - Instant::now());
    }
}

fn on_threads(until: Instant) {
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut ended = Times::open("ended");
                while Instant::now() < until {
                    ended.step(Duration::from_micros(300));
                }
            });
        }
    });
}
