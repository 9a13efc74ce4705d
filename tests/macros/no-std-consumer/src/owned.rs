//! Annotated code that owns memory, and so needs `alloc`.

extern crate alloc;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::error::Error;

use charm_tracing::{trace_fn, traced_type};

/// A function whose error is anything.
///
/// # Errors
///
/// There are no names.
#[trace_fn]
pub fn joined(mut first: String, others: &[&str]) -> Result<String, Box<dyn Error>> {
    if others.is_empty() {
        return Err("no names".into());
    }
    for other in others {
        first.push_str(other);
    }
    Ok(first)
}

traced_type! {
    /// A type of another crate.
    #[derive(Debug, Default)]
    pub struct Names(BTreeMap<u8, String>);

    impl Names {
        pub fn insert(&mut self, number: u8, name: String) -> Option<String>;
    }
}
