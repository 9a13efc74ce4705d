//! Traced charms from end to end: real processes with real hook tools, a collector on the network, files on disk. One
//! module per promise.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

mod async_charm;
mod authorities;
mod bad_databags;
mod bad_environment;
mod bad_files;
mod bad_hook_tools;
mod buffering;
mod charm_failures;
mod conformance;
mod in_process;
mod light;
mod logger;
mod panic_abort;
mod python_buffer;
mod relation_tools;
mod subscriber;
mod tls;
mod trace_shape;
mod unit;
