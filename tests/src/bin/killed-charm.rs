//! A charm that works until it is killed, in the way that `WORK` says, for `WORK_MILLISECONDS` at most. Of each `step` whose
//! span has ended it says so in the file `ended` of the charm directory, where no kill reaches it: 16 bytes, which are the
//! times before and after it in nanoseconds since 1970.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::{self, ExitCode};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Destination, Session, event, trace_fn};

fn main() -> ExitCode {
    let dispatch = Dispatch::from_env();
    let destination = dispatch.var("TRACE_ENDPOINT").map(|endpoint| Destination::new(endpoint, None));
    let work = env::var("WORK").unwrap_or_default();
    let time = env::var("WORK_MILLISECONDS").ok().and_then(|time| time.parse().ok()).unwrap_or(0);
    // A collector without optimisation takes its time on a busy machine.
    let patience = Duration::from_mins(1);
    let mut config =
        Config::new().charm_type("KilledCharm").request_timeout(patience).delivery_timeout(patience);
    if let Some(path) = dispatch.var("TRACE_BUFFER") {
        config = config.buffer_path(path);
    }
    let mut session = Session::start(dispatch, config);
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
                some_steps();
                event("last", || process::exit(7));
            }
            "abort" => {
                some_steps();
                event("last", || process::abort());
            }
            "panic" => {
                some_steps();
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
        let before = nanos();
        step(time);
        self.0
            .write_all([before, nanos()].map(u64::to_le_bytes).as_flattened())
            .expect("the disk is not full");
    }
}

fn nanos() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later");
    u64::try_from(now.as_nanos()).expect("it is not that late")
}

fn steps(count: u32) {
    let mut ended = Times::open("ended");
    for _ in 0..count {
        ended.step(Duration::ZERO);
    }
}

/// Makes three steps, with a pause behind each.
fn some_steps() {
    let mut ended = Times::open("ended");
    for _ in 0..3 {
        ended.step(Duration::ZERO);
        thread::sleep(Duration::from_millis(2));
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
