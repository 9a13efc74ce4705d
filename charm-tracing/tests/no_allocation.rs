//! A traced call allocates nothing while nobody records. The allocator that counts is the process's own, so this file
//! has one test.

use std::alloc::System;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use charm_tracing::trace_type;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

struct Workload(u64);

#[trace_type]
impl Workload {
    fn plain(&self) -> u64 {
        self.0
    }

    fn result(&mut self) -> Result<&mut u64, String> {
        Ok(&mut self.0)
    }

    fn owned(self, text: &'static str) -> Result<&'static str, Self> {
        if self.0 == 0 { Err(self) } else { Ok(text) }
    }

    #[charm_tracing::trace_fn(attributes(workload.text = "x".repeat(100)))]
    fn with_attributes(&self) {
        black_box(self.0);
    }

    async fn future(&self) -> Result<u64, String> {
        Ok(self.0)
    }
}

#[test]
fn a_call_that_nobody_records_allocates_nothing() {
    let mut workload = Workload(black_box(1));
    let region = Region::new(ALLOCATOR);
    for _ in 0..100 {
        black_box(workload.plain());
        black_box(workload.result().is_ok());
        black_box(Workload(1).owned("text").is_ok());
        workload.with_attributes();
        let mut future = pin!(workload.future());
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0), "{change:?}");
    black_box("counted".to_owned());
    assert_eq!(region.change().allocations, 1, "the allocator counts");
}
