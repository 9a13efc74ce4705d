//! A file that is not ours, on a file system that has no hard links.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use super::super::fs::{BufferFile, FileId, FileSystem, RealFileSystem};
use super::super::header::HEADER;
use super::*;

/// The real file system without hard links, on which renaming this file fails.
#[derive(Debug)]
struct Linkless {
    errno: Errno,
    stays: Option<PathBuf>,
}

impl FileSystem for Linkless {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        RealFileSystem.open(path)
    }
    fn open_existing(&self, path: &Path) -> io::Result<Option<Box<dyn BufferFile>>> {
        RealFileSystem.open_existing(path)
    }
    fn create_anew(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        RealFileSystem.create_anew(path)
    }
    fn identity(&self, path: &Path) -> io::Result<Option<FileId>> {
        RealFileSystem.identity(path)
    }
    fn link(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(self.errno.into())
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.stays.as_deref() == Some(from) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealFileSystem.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealFileSystem.remove(path)
    }
    fn process_exists(&self, pid: u32) -> bool {
        RealFileSystem.process_exists(pid)
    }
}

/// The buffer of a directory in which there is a file with an intact trace behind what is not our header.
fn with_foreign_file(errno: Errno, stays: Option<&str>) -> (Fixture, Buffer, Vec<u8>) {
    let fixture = Fixture::roomy();
    append(&fixture.buffer, "intact");
    let mut foreign = std::fs::read(fixture.path()).unwrap();
    foreign[..HEADER].fill(b'?');
    std::fs::write(fixture.path(), &foreign).unwrap();
    let directory = fixture.directory.path();
    let fs = Linkless { errno, stays: stays.map(|name| directory.join(name)) };
    let buffer = Buffer::with_file_system(config(directory, 1000, 10 << 20), Box::new(fs));
    (fixture, buffer, foreign)
}

#[test]
fn foreign_file_is_set_aside_without_hard_links_too() {
    for errno in [Errno::PERM, Errno::NOTSUP, Errno::MLINK, Errno::NOSYS, Errno::ACCESS] {
        let (fixture, buffer, foreign) = with_foreign_file(errno, None);
        let aside = fixture.directory.path().join("buffer.damaged");
        std::fs::write(&aside, "an older one").unwrap();
        append(&buffer, "new");
        assert_eq!(fixture.files(), ["buffer", "buffer.damaged"], "{errno}");
        assert_eq!(std::fs::read(aside).unwrap(), foreign);
        assert_eq!(drain(&fixture.reopened()), ["intact", "new"]);
    }
}

#[test]
fn foreign_file_gets_its_name_back_when_it_cannot_be_replaced() {
    let (fixture, buffer, foreign) = with_foreign_file(Errno::PERM, Some("buffer.new"));
    assert!(buffer.append(&trace(Priority::Interesting, b"new"), now()).is_err());
    assert_eq!(fixture.files(), ["buffer"]);
    assert_eq!(std::fs::read(fixture.path()).unwrap(), foreign);
    append(&fixture.reopened(), "next");
    assert_eq!(drain(&fixture.reopened()), ["intact", "next"]);
}

#[test]
fn foreign_file_that_was_only_renamed_is_kept_and_the_queue_starts_afresh() {
    let (fixture, _, foreign) = with_foreign_file(Errno::PERM, None);
    let path = |name| fixture.directory.path().join(name);
    std::fs::rename(fixture.path(), path("buffer.damaged")).unwrap();
    std::fs::write(path("buffer.new"), "what was to replace it").unwrap();
    append(&fixture.buffer, "next");
    assert_eq!(drain(&fixture.reopened()), ["next"]);
    assert_eq!(std::fs::read(path("buffer.damaged")).unwrap(), foreign);
}
