//! The tables of `docs/faults.md`: how a hook ends under each fault, and where its traces are. Each
//! row is a real unit that is well, meets the fault, and recovers; what it claims is asserted, and its line compared with
//! the document. `FAULTS=overwrite cargo test -p tests --test faults` writes the lines anew.
//!
//! One module per kind of fault, which is one test and one table. A row is a [`fault::Fault`]; [`trial`] is the unit that it
//! happens to, [`waits`] how its seconds are told, [`document`] the file.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

mod addresses;
mod answers;
mod certificates;
mod cos_agent;
mod document;
mod elsewhere;
mod fault;
mod files;
mod juju;
mod mounts;
mod permissions;
mod processes;
mod sharing;
mod soak;
mod trial;
mod waits;
