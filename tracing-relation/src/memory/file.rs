use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Resource, getrlimit};

/// The largest file that is kept, in bytes. Reading a larger one would cost as much as asking Juju.
pub(super) const LARGEST: usize = 256 * 1024;

/// The time limit for the lock. Another process holds it only for some microseconds.
const PATIENCE: Duration = Duration::from_millis(50);

/// Returns the content of the file; `None` if there is none.
///
/// The file is opened for writing, because facts that could not be dropped later must not be used.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match open(path, &mut OpenOptions::new()) {
        Ok(mut file) => content(&mut file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the content of the file if it is still `seen`. Returns false if it is not.
///
/// # Errors
///
/// The file cannot be written, or another process is writing it.
pub(super) fn replace(path: &Path, seen: Option<&[u8]>, new: &[u8]) -> io::Result<bool> {
    let mut file = open(path, OpenOptions::new().create_new(seen.is_none()))?;
    file.try_lock()?;
    if content(&mut file)? != seen.unwrap_or_default() {
        return Ok(false);
    }
    overwrite(&mut file, new)?;
    Ok(true)
}

/// Replaces any content of the file, and creates it if there is none. Returns false if it cannot be written, but is empty
/// or removed.
///
/// A file of another user, a link, or any other node except a directory is removed.
///
/// # Errors
///
/// The file exists, or may exist, and can be neither emptied nor removed. The error says why it cannot be emptied.
pub(super) fn force(path: &Path, new: &[u8]) -> io::Result<bool> {
    let emptied = open(path, OpenOptions::new().create(true).truncate(false)).and_then(|file| {
        wait_for_lock(&file);
        // The file is emptied before other operations that may fail, because outdated facts must not stay.
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
    // A process that holds the lock for longer is not writing.
    while matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && waiting.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Removes the node at the path, except a directory.
fn remove(path: &Path) -> io::Result<()> {
    let is_absent =
        |error: io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    match fs::remove_file(path) {
        // A read-only file system refuses the removal even if the file does not exist.
        Err(_) if fs::symlink_metadata(path).is_err_and(is_absent) => Ok(()),
        removed => removed,
    }
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // The flags refuse a link, and do not wait for the other end of a pipe.
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
    // The size is checked first, because a write beyond the limit of this process (`ulimit -f`) would kill it.
    if getrlimit(Resource::Fsize).current.is_some_and(|most| new.len() as u64 > most) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(new)
}
