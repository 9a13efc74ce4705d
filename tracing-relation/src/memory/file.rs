use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Resource, getrlimit};

/// More is not kept: reading it would cost as much as asking Juju.
pub(super) const LARGEST: usize = 256 * 1024;

/// How long to wait for another process, which needs the lock for some microseconds.
const PATIENCE: Duration = Duration::from_millis(50);

/// What the file holds; None if there is none.
///
/// It is opened as if it were to be written, since what could not be forgotten must not be trusted.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match open(path, &mut OpenOptions::new()) {
        Ok(mut file) => content(&mut file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces what the file holds, if that is still `seen`. False if it is not, or another process is just writing it.
pub(super) fn replace(path: &Path, seen: Option<&[u8]>, new: &[u8]) -> io::Result<bool> {
    let mut file = open(path, OpenOptions::new().create_new(seen.is_none()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if content(&mut file)? != seen.unwrap_or_default() {
        return Ok(false);
    }
    overwrite(&mut file, new)?;
    Ok(true)
}

/// Replaces what the file holds, whatever it is, and makes it if there is none. False if it cannot be written, but holds
/// nothing any more.
///
/// A file of another user, a link, or whatever else is there is removed.
///
/// # Errors
///
/// The file that is there, or may be there, can neither be emptied nor removed. The error says why it cannot be emptied.
pub(super) fn force(path: &Path, new: &[u8]) -> io::Result<bool> {
    let emptied = open(path, OpenOptions::new().create(true).truncate(false)).and_then(|file| {
        wait_for_lock(&file);
        // Before anything that may fail: what an event has outdated must not stay.
        file.set_len(0)?;
        Ok(file)
    });
    let file = match emptied {
        Ok(file) => Ok(file),
        Err(error) => {
            remove(path).map_err(|_| error)?;
            open(path, OpenOptions::new().create_new(true))
        }
    };
    match file.and_then(|mut file| overwrite(&mut file, new)) {
        Ok(()) => Ok(true),
        Err(error) => {
            log::debug!("cannot remember relations in {}: {error}", path.display());
            Ok(false)
        }
    }
}

fn wait_for_lock(file: &File) {
    let waiting = Instant::now();
    // Whoever has it for longer than that is not writing.
    while matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && waiting.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Removes whatever is there, except a directory.
fn remove(path: &Path) -> io::Result<()> {
    let is_absent =
        |error: io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    match fs::remove_file(path) {
        // A file system that is read-only refuses even to remove what is not there.
        Err(_) if fs::symlink_metadata(path).is_err_and(is_absent) => Ok(()),
        removed => removed,
    }
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Neither a link to somewhere else, nor a pipe that nobody reads.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    options.read(true).write(true).mode(0o600).custom_flags(flags);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file of this user"));
    }
    Ok(file)
}

fn content(file: &mut File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut content)?;
    if content.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than anything that is kept"));
    }
    Ok(content)
}

fn overwrite(file: &mut File, new: &[u8]) -> io::Result<()> {
    // Trying to write more than this process may (`ulimit -f`) kills it.
    if getrlimit(Resource::Fsize).current.is_some_and(|most| new.len() as u64 > most) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(new)
}
