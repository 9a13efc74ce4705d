//! A file system in memory, for the tests of what the buffer promises when the real ones fail.
//!
//! It keeps apart what was written and what is on the disk. The death of a process ([`Disk::survivors`]) costs nothing that was
//! written but the locks. A power cut ([`Disk::after_power_cut`]) costs any of what was not synced, see `contents`; and of the
//! names that were given, changed and taken since everything was on the disk ([`Disk::settle`]) any number of the last: no
//! directory is ever synced here.
//!
//! A change is refused, torn, or the last one ([`Fault`]); the disk is full at [`Disk::set_capacity`] bytes; and what a crash
//! before any of the changes would leave is there without running into it ([`Disk::record_moments`]). Everything is the same
//! again for the same seed.

mod chance;
mod contents;
#[cfg(test)]
mod control;
mod file_system;
mod state;

#[cfg(test)]
pub(super) use chance::Chance;
pub(super) use file_system::Disk;
#[cfg(test)]
pub(super) use state::Fault;
