//! How deep traced functions may call each other, in a debug build: on the stack, and in the types of futures.

use std::fmt::Error;
use std::thread;

use charm_tracing::{Config, trace_fn};
use tests::futures::{block_on, once};
use tests::recording::{record, take_turn};

#[trace_fn]
fn down(levels: u32) -> Result<u32, Error> {
    if levels == 0 {
        return Ok(0);
    }
    Ok(down(levels - 1)? + 1)
}

#[trace_fn]
fn plain(levels: u32) -> u32 {
    if levels == 0 { 0 } else { plain(levels - 1) + 1 }
}

#[trace_fn]
async fn boxed(levels: u32) -> Result<u32, Error> {
    if levels == 0 {
        return Ok(0);
    }
    Ok(Box::pin(boxed(levels - 1)).await? + 1)
}

/// A thread with the stack that Linux gives the main thread.
fn with_the_stack_of_main(work: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(8 * 1024 * 1024);
        let worker = thread.spawn_scoped(scope, work).expect("a thread");
        worker.join().expect("no panic");
    });
}

fn descend() {
    with_the_stack_of_main(|| {
        assert_eq!(down(20_000), Ok(20_000));
        assert_eq!(plain(40_000), 40_000);
        assert_eq!(block_on(boxed(5_000)), Ok(5_000));
    });
}

#[test]
fn twenty_thousand_calls_fit_on_the_stack() {
    descend();
    record(&take_turn(), Config::new(), |_| descend());
}

macro_rules! nested {
    ($name:ident) => {
        #[trace_fn]
        async fn $name() -> Result<u8, Error> {
            once().await;
            Ok(1)
        }
    };
    ($name:ident $inner:ident $($more:ident)*) => {
        #[trace_fn]
        async fn $name() -> Result<u8, Error> {
            Ok($inner().await? + 1)
        }
        nested!($inner $($more)*);
    };
}
nested!(one two three four five six seven eight nine ten eleven twelve thirteen);

#[test]
fn thirteen_futures_in_each_other_can_be_sent_without_a_higher_recursion_limit() {
    let future: Box<dyn Future<Output = Result<u8, Error>> + Send> = Box::new(one());
    assert_eq!(block_on(Box::into_pin(future)), Ok(13));
}
