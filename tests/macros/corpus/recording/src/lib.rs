//! Stands in for `charm_tracing` in a program whose every span is to be recorded.


use std::thread;
use std::time::Duration;

pub use charm_tracing::*;

/// Before `main`, and so before the first test.
#[ctor::ctor]
fn record_everything() {
    let recording = testing::Recording::start();
    // A test suite can make more spans than fit into memory.
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(20));
            recording.clear();
        }
    });
}
