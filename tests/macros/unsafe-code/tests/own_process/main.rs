//! A charm's process is its own.
//!
//! While the charm's code runs, tracing has no child and no thread, and at most two files: the connection to the agent, and a
//! lock in the charm directory, both close-on-exec. What the charm does with its process, its children and its files is never
//! touched, and hook tools work on.

mod agent;
mod children;
mod descriptors;
mod forks;
mod logger;
mod queue;
mod unit;
