//! What a test makes of the disk, and what it asks of it.

use std::path::{Path, PathBuf};

use super::super::fs::FileSystem;
use super::{Disk, Fault};

impl Disk {
    /// The disk as the next process finds it when those that use it now have died: all that was written is there.
    pub(in crate::buffer) fn survivors(&self) -> Self {
        Self::of(self.state().survivors())
    }

    /// The same disk for another course of events, in which its processes live on but have nothing open.
    pub(in crate::buffer) fn fork(&self) -> Self {
        Self::of(self.state().fork())
    }

    /// The disk as it may be when the power failed. Another seed is another of the many ways in which it can be.
    pub(in crate::buffer) fn after_power_cut(&self, seed: u64) -> Self {
        Self::of(self.state().after_power_cut(seed))
    }

    /// Everything that was written is on the disk now, as it is after some seconds of peace.
    pub(in crate::buffer) fn settle(&self) {
        self.state().settle();
    }

    /// What is synced or settled from now on is known by this number.
    pub(in crate::buffer) fn set_mark(&self, mark: u64) {
        self.state().set_mark(mark);
    }

    /// The number that was current when the file of this name was last synced or settled.
    pub(in crate::buffer) fn durable_at(&self, path: &Path) -> Option<u64> {
        self.state().durable_at(path)
    }

    /// Bytes that there is room for, in all files together.
    pub(in crate::buffer) fn set_capacity(&self, bytes: usize) {
        self.state().set_capacity(bytes);
    }

    /// Lets so many changes pass; then one goes wrong.
    pub(in crate::buffer) fn fail_after(&self, changes: usize, fault: Fault) {
        self.state().set_fault(changes, fault);
    }

    pub(in crate::buffer) fn has_fault_to_come(&self) -> bool {
        self.state().has_fault_to_come()
    }

    pub(in crate::buffer) fn without_links(self) -> Self {
        self.state().has_links = false;
        self
    }

    /// Makes the file another user's.
    pub(in crate::buffer) fn disown(&self, path: &Path) {
        let mut state = self.state();
        let node = state.named(path).expect("a file");
        state.node_mut(node).expect("a file").own = false;
    }

    /// From now on [`take_moments`](Self::take_moments) has the disk as it was before each change, and in the middle of
    /// each write.
    pub(in crate::buffer) fn record_moments(&self) {
        self.state().record_moments();
    }

    pub(in crate::buffer) fn take_moments(&self) -> Vec<Self> {
        self.state().take_moments().into_iter().map(Self::of).collect()
    }

    /// How many reads and changes there were.
    pub(in crate::buffer) fn operations(&self) -> usize {
        self.state().operations
    }

    pub(in crate::buffer) fn changes(&self) -> usize {
        self.state().changes()
    }

    pub(in crate::buffer) fn names(&self) -> Vec<PathBuf> {
        self.state().names().cloned().collect()
    }

    /// Bytes in the file of this name; 0 if there is none.
    pub(in crate::buffer) fn len(&self, path: &Path) -> u64 {
        let state = self.state();
        let node = state.named(path).and_then(|id| state.node(id).ok());
        node.map_or(0, |node| node.contents.len() as u64)
    }

    /// The bytes of the file of this name, if there is one.
    pub(in crate::buffer) fn read(&self, path: &Path) -> Option<Vec<u8>> {
        self.identity(path).unwrap()?;
        let file = self.open(path).unwrap();
        let mut bytes = vec![0; usize::try_from(file.facts().unwrap().len).unwrap()];
        let read = file.read_at(&mut bytes, 0).unwrap();
        assert_eq!(read, bytes.len());
        Some(bytes)
    }
}
