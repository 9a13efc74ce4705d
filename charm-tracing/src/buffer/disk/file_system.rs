use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::super::fs::{BufferFile, Facts, FileId, FileSystem};
use super::state::State;

/// The disk. Its clones are the same one.
#[derive(Debug, Clone)]
pub(in crate::buffer) struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct OpenFile {
    disk: Disk,
    node: u64,
    /// Tells apart those who have the same file open.
    handle: u64,
}

impl Disk {
    /// An empty disk; the seed decides where writes are torn.
    pub(in crate::buffer) fn new(seed: u64) -> Self {
        Self::of(State::new(seed))
    }

    pub(super) fn of(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self, state: &mut State, node: u64) -> io::Result<Box<dyn BufferFile>> {
        state.node_mut(node)?.opened += 1;
        Ok(Box::new(OpenFile { disk: self.clone(), node, handle: state.fresh_id() }))
    }

    /// Makes a file that is on the disk.
    pub(in crate::buffer) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.state();
        let made = state.remove(path).and_then(|()| state.create(path));
        if let Ok(node) = made.and_then(|id| state.node_mut(id)) {
            node.contents.write(bytes, 0);
        }
        state.settle();
    }
}

impl FileSystem for Disk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        let mut state = self.state();
        state.read()?;
        let node = match state.named(path) {
            Some(node) => node,
            None => state.create(path)?,
        };
        self.opened(&mut state, node)
    }

    fn open_existing(&self, path: &Path) -> io::Result<Option<Box<dyn BufferFile>>> {
        let mut state = self.state();
        state.read()?;
        state.named(path).map(|node| self.opened(&mut state, node)).transpose()
    }

    fn create_anew(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        let mut state = self.state();
        state.remove(path)?;
        let node = state.create(path)?;
        self.opened(&mut state, node)
    }

    fn identity(&self, path: &Path) -> io::Result<Option<FileId>> {
        let state = self.state();
        state.alive()?;
        Ok(state.named(path).map(|inode| FileId { device: 0, inode }))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().remove(path)
    }

    fn process_exists(&self, _: u32) -> bool {
        self.state().processes_live
    }
}

impl BufferFile for OpenFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.read()?;
        let offset = usize::try_from(offset).map_err(|_| Errno::INVAL)?;
        Ok(state.node(self.node)?.contents.read(bytes, offset))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.state().write(self.node, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let len = usize::try_from(len).map_err(|_| Errno::FBIG)?;
        state.node_mut(self.node)?.contents.set_len(len);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.state().sync(self.node)
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.disk.state();
        state.alive()?;
        let lock = &mut state.node_mut(self.node)?.lock;
        Ok(*lock.get_or_insert(self.handle) == self.handle)
    }

    fn unlock(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.alive()?;
        let lock = &mut state.node_mut(self.node)?.lock;
        if *lock == Some(self.handle) {
            *lock = None;
        }
        Ok(())
    }

    fn facts(&self) -> io::Result<Facts> {
        let state = self.disk.state();
        state.alive()?;
        let node = state.node(self.node)?;
        let id = FileId { device: 0, inode: self.node };
        Ok(Facts { id, len: node.contents.len() as u64, regular: true, own: node.own, private: true })
    }

    fn make_private(&self) -> io::Result<()> {
        self.disk.state().change()
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if let Ok(node) = state.node_mut(self.node) {
            node.opened = node.opened.saturating_sub(1);
            if node.lock == Some(self.handle) {
                node.lock = None;
            }
        }
        state.forget_unreachable();
    }
}
