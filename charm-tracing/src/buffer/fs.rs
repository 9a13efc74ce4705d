//! The file operations that the buffer needs, as the one seam to the operating system.
//!
//! Two small traits rather than calls to `std::fs` all over: what the buffer promises about crashes, full disks and
//! its own cost can only be shown with a double in this place.

use std::fmt::Debug;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::{Pid, Resource, getrlimit};

/// What the buffer asks of a file system.
pub(super) trait FileSystem: Debug + Send + Sync {
    /// Opens the file for reading and writing, making it and its parent directories when they are missing. Never
    /// follows a symbolic link in the last place of the path, never waits for the other end of a pipe.
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufferFile>>;
    /// The same, but none if there is no such file.
    fn open_existing(&self, path: &Path) -> io::Result<Option<Box<dyn BufferFile>>>;
    /// Makes a new file in the place of whatever has that name.
    fn create_anew(&self, path: &Path) -> io::Result<Box<dyn BufferFile>>;
    /// Which file has this name now, if any.
    fn identity(&self, path: &Path) -> io::Result<Option<FileId>>;
    /// Gives a file a second name, in the place of whatever has it.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Moves a file over another in one step.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Whether a process with this id exists.
    fn process_exists(&self, pid: u32) -> bool;
}

/// What the buffer asks of an open file.
pub(super) trait BufferFile: Debug + Send {
    /// Reads into as much of `bytes` as there is, and says how much that was.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Waits until the contents are on the disk.
    fn sync(&self) -> io::Result<()>;
    /// Takes the advisory lock if nobody has it.
    fn try_lock(&self) -> io::Result<bool>;
    fn unlock(&self) -> io::Result<()>;
    fn facts(&self) -> io::Result<Facts>;
    /// Takes everybody else's access away.
    fn make_private(&self) -> io::Result<()>;
}

/// Tells one file from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// What an open file says about itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) id: FileId,
    pub(super) len: u64,
    pub(super) regular: bool,
    /// It belongs to the user that this process acts for.
    pub(super) own: bool,
    /// Nobody else may read or write it.
    pub(super) private: bool,
}

/// The real thing.
#[derive(Debug)]
pub(super) struct RealFileSystem;

const PRIVATE: u32 = 0o600;
const OTHERS: u32 = 0o077;

impl FileSystem for RealFileSystem {
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        let mut options = private_options();
        options.create(true);
        let file = match options.open(path) {
            // Looked for only now: in nearly every dispatch the directory is there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).ok_or(error)?;
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
                options.open(path)?
            }
            opened => opened?,
        };
        Ok(Box::new(file))
    }

    fn open_existing(&self, path: &Path) -> io::Result<Option<Box<dyn BufferFile>>> {
        match private_options().open(path) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create_anew(&self, path: &Path) -> io::Result<Box<dyn BufferFile>> {
        self.remove(path)?;
        Ok(Box::new(private_options().create_new(true).open(path)?))
    }

    fn identity(&self, path: &Path) -> io::Result<Option<FileId>> {
        match std::fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(FileId { device: metadata.dev(), inode: metadata.ino() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.remove(to)?;
        std::fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn process_exists(&self, pid: u32) -> bool {
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
        // Not allowed to signal it is an answer too: it is there.
        rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
    }
}

impl BufferFile for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match FileExt::read_at(self, &mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if offset + bytes.len() as u64 > largest_file() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        FileExt::write_all_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        match Self::try_lock(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn unlock(&self) -> io::Result<()> {
        Self::unlock(self)
    }

    fn facts(&self) -> io::Result<Facts> {
        let metadata = self.metadata()?;
        Ok(Facts {
            id: FileId { device: metadata.dev(), inode: metadata.ino() },
            len: metadata.len(),
            regular: metadata.is_file(),
            own: metadata.uid() == rustix::process::geteuid().as_raw(),
            private: metadata.permissions().mode() & OTHERS == 0,
        })
    }

    fn make_private(&self) -> io::Result<()> {
        self.set_permissions(std::fs::Permissions::from_mode(PRIVATE))
    }
}

/// How large this process may make a file (`ulimit -f`). Trying to write beyond that kills it (SIGXFSZ).
fn largest_file() -> u64 {
    getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX)
}

fn private_options() -> OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(PRIVATE).custom_flags(flags.bits().cast_signed());
    options
}

/// Whether opening failed because of what has that name, rather than because of permissions or the disk.
pub(super) fn is_wrong_kind(error: &io::Error) -> bool {
    use rustix::io::Errno;

    // A symbolic link; a directory; a pipe or socket without its other end.
    [Errno::LOOP, Errno::ISDIR, Errno::NXIO]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
