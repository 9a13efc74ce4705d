use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::regular_file::{check_size_limit, own_file_options};

/// The largest file that is kept, in bytes. Reading a larger one would cost as much as asking Juju.
pub(super) const LARGEST: usize = 256 * 1024;

/// Returns the content of the file; `None` if there is none.
///
/// The file is opened for writing, because facts that could not be dropped later must not be used.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match open(path, &mut own_file_options()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    // With room for a usual file, one call of the operating system reads it, and one finds the end.
    let mut content = Vec::with_capacity(2048);
    file.take(LARGEST as u64 + 1).read_to_end(&mut content)?;
    if content.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than anything that is kept"));
    }
    Ok(Some(content))
}

/// Replaces the file, or whatever else is at its path except a directory. If this fails, it is unchanged.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    check_size_limit(|| Ok(content.len() as u64))?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    remove(part)?;
    let written = open(part, own_file_options().create_new(true))
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(part, path));
    written.inspect_err(|_| drop(fs::remove_file(part)))
}

/// Removes whatever is at the path, except a directory. Empties a file that cannot be removed.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let is_absent =
        |error: io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    match fs::remove_file(path) {
        // A read-only file system refuses the removal even if the file does not exist.
        Err(_) if fs::symlink_metadata(path).is_err_and(is_absent) => Ok(()),
        Err(_) => open(path, &mut own_file_options())?.set_len(0),
        Ok(()) => Ok(()),
    }
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options.read(true).write(true).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file of this user"));
    }
    Ok(file)
}
