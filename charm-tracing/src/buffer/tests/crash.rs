use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::fs::{BufferFile, Facts, FileId, FileSystem, RealFileSystem};
use super::*;

/// The real file system until so many changes were made; then one fails.
#[derive(Debug, Clone)]
struct Mortal {
    changes_left: Arc<AtomicUsize>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// The process is dead: nothing happens any more.
    Dies,
    /// The same, in the middle of a write.
    DiesInAWrite,
    /// Only that change is refused, as by a full disk.
    IsRefusedOnce,
}

#[derive(Debug)]
struct MortalFile(Box<dyn BufferFile>, Mortal);

#[derive(PartialEq)]
enum Life {
    Alive,
    Dying,
    Dead,
}

impl Mortal {
    const DEAD: usize = usize::MAX;
    /// More changes than any test makes.
    const UNHURT: usize = usize::MAX / 2;

    fn after(changes: usize, fate: Fate) -> Self {
        Self { changes_left: Arc::new(AtomicUsize::new(changes)), fate }
    }

    fn is_dead(&self) -> bool {
        self.changes_left.load(Ordering::SeqCst) == Self::DEAD
    }

    fn next_change(&self) -> Life {
        match self.changes_left.load(Ordering::SeqCst) {
            Self::DEAD => Life::Dead,
            left => {
                let dying = left == 0;
                let next = if dying && self.fate == Fate::IsRefusedOnce {
                    Self::UNHURT
                } else {
                    left.wrapping_sub(1)
                };
                self.changes_left.store(next, Ordering::SeqCst);
                if dying { Life::Dying } else { Life::Alive }
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.next_change() == Life::Alive { change() } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn opened(&self, file: Box<dyn BufferFile>) -> Box<dyn BufferFile> {
        Box::new(MortalFile(file, self.clone()))
    }
}

impl FileSystem for Mortal {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        self.change(|| RealFileSystem.open(path)).map(|file| self.opened(file))
    }
    fn create_anew(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        self.change(|| RealFileSystem.create_anew(path)).map(|file| self.opened(file))
    }
    fn identity(&self, path: &Path) -> io::Result<Option<FileId>> {
        RealFileSystem.identity(path)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|| RealFileSystem.link(from, to))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|| RealFileSystem.rename(from, to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|| RealFileSystem.remove(path))
    }
    fn process_exists(&self, pid: u32) -> bool {
        RealFileSystem.process_exists(pid)
    }
}

impl BufferFile for MortalFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(bytes, offset)
    }
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.1.next_change() {
            Life::Alive => return self.0.write_all_at(bytes, offset),
            Life::Dying if self.1.fate == Fate::DiesInAWrite => {
                self.0.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            }
            Life::Dying | Life::Dead => {}
        }
        Err(io::ErrorKind::StorageFull.into())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.1.change(|| self.0.set_len(len))
    }
    fn sync(&self) -> io::Result<()> {
        self.1.change(|| self.0.sync())
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

const MAX_DISPATCHES: u32 = 3;

#[derive(Debug, Clone, Copy)]
enum Step {
    Interesting,
    Boring,
    Take,
}

/// Fills, overflows in both priorities, rewrites, empties and fills again.
const HISTORY: [Step; 22] = {
    use Step::{Boring, Interesting, Take};
    [
        Interesting,
        Boring,
        Interesting,
        Boring,
        Interesting,
        Interesting,
        Take,
        Interesting,
        Boring,
        Interesting,
        Interesting,
        Interesting,
        Take,
        Take,
        Take,
        Interesting,
        Take,
        Boring,
        Boring,
        Interesting,
        Boring,
        Take,
    ]
};

/// What should be in the file: number and priority, oldest first.
type Model = Vec<(usize, Priority)>;

fn apply(model: &mut Model, number: usize, step: Step) {
    let priority = match step {
        Step::Take => {
            model.drain(..model.len().min(1));
            return;
        }
        Step::Interesting => Priority::Interesting,
        Step::Boring => Priority::Boring,
    };
    model.push((number, priority));
    if model.len() > MAX_DISPATCHES as usize {
        let boring = model.iter().position(|(_, priority)| *priority == Priority::Boring);
        model.remove(boring.unwrap_or(0));
    }
}

/// Large enough that a few dead ones are worth a rewrite.
fn payload(number: usize) -> String {
    format!("{number:020000}")
}

fn texts(model: &Model) -> Vec<String> {
    model.iter().map(|(number, _)| payload(*number)).collect()
}

fn run(buffer: &Buffer, number: usize, step: Step) -> bool {
    let append = |priority| buffer.append(&trace(priority, payload(number).as_bytes()), now()).is_ok();
    match step {
        Step::Interesting => append(Priority::Interesting),
        Step::Boring => append(Priority::Boring),
        Step::Take => buffer
            .oldest()
            .and_then(|record| record.map_or(Ok(false), |record| buffer.acknowledge(&record)))
            .unwrap_or(false),
    }
}

/// Runs the history until death; says whether it was reached.
fn dies_after(changes: usize, fate: Fate) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let mortal = Mortal::after(changes, fate);
    let config = config(directory.path(), MAX_DISPATCHES, 10 << 20);
    let buffer = Buffer::with_file_system(config, Box::new(mortal.clone()));
    let mut before = Model::new();
    let mut after = Model::new();
    for (number, step) in HISTORY.into_iter().enumerate() {
        before = after.clone();
        apply(&mut after, number, step);
        let reported = run(&buffer, number, step);
        if mortal.is_dead() {
            if reported {
                // What was reported as done is done.
                before.clone_from(&after);
            }
            break;
        }
        assert!(reported, "step {number} failed in good health");
    }
    drop(buffer);
    let next = open(directory.path(), MAX_DISPATCHES, 10 << 20);
    let found = drain(&next);
    assert!(
        found == texts(&before) || found == texts(&after),
        "{fate:?} after {changes} changes left {:?} instead of {before:?} or {after:?}",
        found.iter().map(|text| text.trim_start_matches('0')).collect::<Vec<_>>(),
    );
    append(&next, "afterwards");
    assert_eq!(drain(&open(directory.path(), MAX_DISPATCHES, 10 << 20)), ["afterwards"]);
    mortal.is_dead()
}

#[test]
fn death_at_any_moment_leaves_what_was_stored_once_and_in_order() {
    for fate in [Fate::Dies, Fate::DiesInAWrite] {
        let deaths = (0..10_000).take_while(|changes| dies_after(*changes, fate)).count();
        assert!(deaths > HISTORY.len() * 3, "only {deaths} moments to die at");
    }
}

/// Runs the history with one change refused; says whether it was reached.
fn refuses_once_after(changes: usize) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let mortal = Mortal::after(changes, Fate::IsRefusedOnce);
    let config = config(directory.path(), MAX_DISPATCHES, 10 << 20);
    let buffer = Buffer::with_file_system(config, Box::new(mortal.clone()));
    let mut model = Model::new();
    for (number, step) in HISTORY.into_iter().enumerate() {
        let before = model.clone();
        apply(&mut model, number, step);
        let done = match (run(&buffer, number, step), step) {
            (true, _) => true,
            // A removal that failed half way is finished by the next operation.
            (false, Step::Take) => buffer.waiting().unwrap() as usize == model.len(),
            // An append that failed must not have happened: its trace is sent another way.
            (false, _) => false,
        };
        if !done {
            model = before;
        }
    }
    let found = drain(&open(directory.path(), MAX_DISPATCHES, 10 << 20));
    assert_eq!(found, texts(&model), "one change refused after {changes}");
    mortal.changes_left.load(Ordering::SeqCst) > Mortal::UNHURT / 2
}

#[test]
fn refused_change_costs_at_most_what_was_reported() {
    // Behind every refused change the history goes on differently, so the first one that is not reached ends the test.
    let refusals = (0..10_000).take_while(|changes| refuses_once_after(*changes)).count();
    assert!(refusals > HISTORY.len() * 3, "only {refusals} changes to refuse");
}

#[test]
fn history_rewrites_the_file() {
    use std::os::unix::fs::MetadataExt as _;

    let fixture = Fixture::new(MAX_DISPATCHES, 10 << 20);
    let mut inodes = std::collections::HashSet::new();
    for (number, step) in HISTORY.into_iter().enumerate() {
        assert!(run(&fixture.buffer, number, step));
        inodes.insert(std::fs::metadata(fixture.path()).unwrap().ino());
    }
    assert!(inodes.len() > 1, "the crash test above would not see a rewrite");
}
