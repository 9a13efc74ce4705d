use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::fs::{BufferFile, Facts, FileId, FileSystem, RealFileSystem};
use super::*;

/// The real file system, with the operations on its files counted.
#[derive(Debug, Clone)]
struct Counting(Arc<AtomicUsize>);

#[derive(Debug)]
struct CountingFile(Box<dyn BufferFile>, Arc<AtomicUsize>);

impl Counting {
    fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(0)))
    }

    /// How many operations this takes.
    fn of(&self, operation: impl FnOnce()) -> usize {
        let before = self.0.load(Ordering::SeqCst);
        operation();
        self.0.load(Ordering::SeqCst) - before
    }

    fn opened(&self, file: io::Result<Box<dyn BufferFile>>) -> io::Result<Box<dyn BufferFile>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(CountingFile(file?, Arc::clone(&self.0))))
    }
}

impl FileSystem for Counting {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        self.opened(RealFileSystem.open(path))
    }
    fn create_anew(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        self.opened(RealFileSystem.create_anew(path))
    }
    fn identity(&self, path: &Path) -> io::Result<Option<FileId>> {
        RealFileSystem.identity(path)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFileSystem.link(from, to)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFileSystem.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealFileSystem.remove(path)
    }
    fn process_exists(&self, pid: u32) -> bool {
        RealFileSystem.process_exists(pid)
    }
}

impl BufferFile for CountingFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.read_at(bytes, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.write_all_at(bytes, offset)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sync()
    }
    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }
    fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }
    fn facts(&self) -> io::Result<Facts> {
        self.0.facts()
    }
    fn make_private(&self) -> io::Result<()> {
        self.0.make_private()
    }
}

fn counted(directory: &Path, max_dispatches: u32) -> (Counting, Buffer) {
    let counting = Counting::new();
    let config = config(directory, max_dispatches, 100 << 20);
    (counting.clone(), Buffer::with_file_system(config, Box::new(counting)))
}

#[test]
fn append_and_acknowledge_cost_the_same_whatever_the_file_holds() {
    let directory = tempfile::tempdir().unwrap();
    let (count, buffer) = counted(directory.path(), 100_000);
    append(&buffer, "first");
    append(&buffer, "second");
    let append_to_few = count.of(|| append(&buffer, "x"));
    let take = || {
        let record = buffer.oldest().unwrap().unwrap();
        assert!(buffer.acknowledge(&record).unwrap());
    };
    take();
    let take_from_few = count.of(take);
    for number in 0..3000 {
        append(&buffer, &number.to_string());
    }
    assert_eq!(count.of(|| append(&buffer, "x")), append_to_few);
    take();
    assert_eq!(count.of(take), take_from_few);
    assert!(append_to_few <= 5 && take_from_few <= 9, "append {append_to_few}, take {take_from_few}");
}

#[test]
fn appending_to_a_full_buffer_costs_the_same_on_average() {
    for priority in [Priority::Interesting, Priority::Boring] {
        let mut costs = Vec::new();
        for max_dispatches in [10, 1000] {
            let directory = tempfile::tempdir().unwrap();
            let (count, buffer) = counted(directory.path(), max_dispatches);
            for number in 0..max_dispatches {
                append_as(&buffer, Priority::Interesting, &number.to_string());
            }
            costs.push(count.of(|| {
                for number in 0..2000 {
                    append_as(&buffer, priority, &number.to_string());
                }
            }));
        }
        // Rewrites copy every live record, once for as many that died.
        assert!(costs[1] <= 2000 * 16 && costs[0] <= 2000 * 16, "{priority:?}: {costs:?}");
    }
}
