//! An allocator that looks at the active span, also when it is asked for memory to record one.
//! The allocator is that of the process, so this file has one test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use charm_tracing::{current_span, event, trace_fn};
use tests::recording::spans_of;

struct Looking;

static LOOKS: AtomicBool = AtomicBool::new(false);
static LOOKED: AtomicUsize = AtomicUsize::new(0);

/// Memory for many records is large, and so is none that the recording of a single one needs.
const LARGE: usize = 2_900;

#[expect(unsafe_code, reason = "an allocator is")]
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGE && LOOKS.load(Ordering::Relaxed) {
            LOOKED.fetch_add(1, Ordering::Relaxed);
            if let Some(span) = current_span() {
                span.add_event("large", Vec::new());
                let _ = span.is_recording();
            }
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Looking = Looking;

#[trace_fn]
fn call() {}

#[test]
fn it_waits_for_nobody_while_spans_are_recorded() {
    let spans = spans_of(|| {
        event("work", || {
            LOOKS.store(true, Ordering::Relaxed);
            (0..1_000).for_each(|_| call());
            LOOKS.store(false, Ordering::Relaxed);
        });
    });
    assert!(LOOKED.load(Ordering::Relaxed) > 0);
    assert_eq!(spans.iter().filter(|span| span.name == "function call: call").count(), 1_000);
}
