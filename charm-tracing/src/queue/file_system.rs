//! The file operations that the queue needs; all its calls of the operating system are here.
//!
//! They are a trait and not calls to `std::fs`, because the queue's promises about crashes and full disks can only be
//! tested with a substitute.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::IntoRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{FileType, FlockOperation, Mode, OFlags, RawDir, fcntl_lock};
use rustix::io::Errno;
use tracing_relation::{check_size_limit, own_file_options};

/// The operations of a file system that the queue needs. A symbolic link in the last part of a path is not followed.
pub(super) trait FileSystem: Debug + Send + Sync {
    /// Describes the file or directory of this name; `None` if there is none.
    fn look(&self, path: &Path) -> io::Result<Option<Entry>>;
    /// Calls `each` with the name of each regular file in a directory, in any order.
    fn list(&self, directory: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<()>;
    /// Makes a directory that only its owner can enter.
    fn make_directory(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory and its parents, with the usual permissions.
    fn make_parents(&self, path: &Path) -> io::Result<()>;
    /// Gives the owner all access to a directory, and other users none.
    fn make_private(&self, directory: &Path) -> io::Result<()>;
    /// Writes a new file that only its owner can read. If that fails, there is no new file.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Appends to an existing file. If that fails, the file is unchanged.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Returns the contents of a regular file; fails if it is larger than 64 MiB.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Renames a file, and replaces another one, or renames a directory to a free name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file. Returns false if there was none.
    fn remove(&self, path: &Path) -> io::Result<bool>;
    /// Takes the lock of a file, which is made if it is missing.
    fn lock(&self, path: &Path) -> io::Result<Locking>;

    /// Returns the device and inode of this process' root directory; `None` if they cannot be read.
    fn root(&self) -> Option<(u64, u64)> {
        self.look(Path::new("/")).ok().flatten().map(|root| root.id)
    }
}

/// The file, directory or other thing that has a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// True if it belongs to the user that this process acts for.
    pub(super) own: bool,
    /// True if its owner has all access, and other users have none.
    pub(super) private: bool,
    /// The size of a file in bytes.
    pub(super) len: u64,
    /// The moment when a file was last written.
    pub(super) modified: SystemTime,
    /// The device and inode, which identify it.
    pub(super) id: (u64, u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
    Link,
    /// A pipe, a socket or a device.
    Other,
}

/// The result of taking a lock.
#[derive(Debug)]
pub(crate) enum Locking {
    /// This process holds it until the value is dropped or the process ends.
    Taken(Box<dyn Lock>),
    /// Another process holds it.
    Held,
    /// The file system has no locks.
    Impossible,
}

/// A lock that is held.
pub(crate) trait Lock: Debug + Send {
    /// Returns the moment when its file was last written or touched, as of the moment when the lock was taken.
    fn modified(&self) -> SystemTime;
    /// Sets that moment for the next one who takes the lock.
    fn touch(&self, now: SystemTime) -> io::Result<()>;
}

/// The file system of the operating system.
#[derive(Debug)]
pub(super) struct RealFileSystem;

const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
/// The largest file that is read, in bytes. No file of the queue is larger: a journal has each span at most twice, and
/// a trace has at most 30 MB.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

impl FileSystem for RealFileSystem {
    fn look(&self, path: &Path) -> io::Result<Option<Entry>> {
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        let kind = match found.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_file() => Kind::File,
            kind if kind.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        Ok(Some(Entry {
            kind,
            own: found.uid() == rustix::process::geteuid().as_raw(),
            private: found.mode() & 0o777 == PRIVATE_DIRECTORY,
            len: found.len(),
            modified: found.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            id: identity(&found),
        }))
    }

    fn list(&self, directory: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::open(directory, flags, Mode::empty())?;
        // One buffer for all names, because every dispatch lists the directory.
        let mut buffer = Vec::with_capacity(16 * 1024);
        let mut entries = RawDir::new(opened, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            let is_file = match entry.file_type() {
                // Some file systems do not tell the type here.
                FileType::Unknown => fs::symlink_metadata(directory.join(OsStr::from_bytes(name)))
                    .is_ok_and(|found| found.is_file()),
                kind => kind == FileType::RegularFile,
            };
            if is_file {
                each(name);
            }
        }
        Ok(())
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(PRIVATE_DIRECTORY).create(path)?;
        // The umask of the process may have removed the owner's access.
        self.make_private(path)
    }

    fn make_parents(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn make_private(&self, directory: &Path) -> io::Result<()> {
        fs::set_permissions(directory, Permissions::from_mode(PRIVATE_DIRECTORY))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = own_file_options().write(true).create_new(true).mode(PRIVATE_FILE).open(path)?;
        let written = make_file_private(&file)
            .and_then(|_| check_size_limit(|| Ok(bytes.len() as u64)))
            .and_then(|()| file.write_all(bytes));
        written.inspect_err(|_| drop(fs::remove_file(path)))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = own_file_options().append(true).open(path)?;
        check_size_limit(|| Ok(file.metadata()?.len() + bytes.len() as u64))?;
        let written = file.write(bytes)?;
        if written < bytes.len() {
            // Only the beginning had room.
            file.set_len(file.metadata()?.len().saturating_sub(written as u64))?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = own_file_options().read(true).open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if found.len() > LARGEST_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        // With room for all bytes and a limit, one call of the operating system reads the file.
        let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
        file.take(found.len()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<bool> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Locking> {
        let file = own_file_options().read(true).write(true).create(true).mode(PRIVATE_FILE).open(path)?;
        // The lock belongs to the process and not to the open file: a forked child does not share it, so it is released
        // when this process ends.
        let locked = fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive);
        let found = make_file_private(&file)?;
        match locked {
            Ok(()) => {
                let modified = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                Ok(Locking::Taken(Box::new(LockedFile { id: identity(&found), file: Some(file), modified })))
            }
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(Locking::Held),
            Err(_) => Ok(Locking::Impossible),
        }
    }
}

/// Gives the owner back what the umask of the process has taken when the file was made. Returns what was found.
fn make_file_private(file: &File) -> io::Result<Metadata> {
    let found = file.metadata()?;
    // Looking is cheaper than the change, which is rarely necessary.
    if found.mode() & PRIVATE_FILE != PRIVATE_FILE {
        file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
    }
    Ok(found)
}

#[derive(Debug)]
struct LockedFile {
    /// The open file; `None` only during the drop.
    file: Option<File>,
    id: (u64, u64),
    modified: SystemTime,
}

impl LockedFile {
    /// Returns true if the descriptor is still that of the file. The charm may have closed it, and another file may have it now.
    fn is_intact(&self, file: &File) -> bool {
        file.metadata().is_ok_and(|found| identity(&found) == self.id)
    }
}

impl Lock for LockedFile {
    fn modified(&self) -> SystemTime {
        self.modified
    }

    fn touch(&self, now: SystemTime) -> io::Result<()> {
        match &self.file {
            Some(file) if self.is_intact(file) => file.set_modified(now),
            _ => Ok(()),
        }
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Another file must stay open.
        match self.file.take() {
            Some(file) if !self.is_intact(&file) => _ = file.into_raw_fd(),
            _ => {}
        }
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}
