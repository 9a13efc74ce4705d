//! The place of the queue: its directory is made when it is needed, and anything else at that path is moved or refused.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::QueueError;
use super::file_system::{Entry, Kind};
use super::name::millis;
use super::python;
use super::waiting::{PART, Queue};

/// The directories that may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Only the queue's own, and only if its parent exists: the charm may want to make the parents itself.
    Own,
    /// The queue's own and its parents.
    All,
}

impl Queue {
    /// Prepares the directory for all other operations. Returns false if it does not exist and may not be made.
    ///
    /// # Errors
    ///
    /// Returns [`QueueError::Refused`] if something else has its name, [`QueueError::Elsewhere`] if the root directory
    /// was changed, and other errors if it cannot be made.
    pub(crate) fn prepare(&self, missing: Missing) -> Result<bool, QueueError> {
        if self.fs.root() != self.root {
            return Err(QueueError::Elsewhere { path: self.path.clone() });
        }
        let refused = |what| Err(QueueError::Refused { path: self.path.clone(), what });
        match self.look(&self.path)? {
            Some(Entry { own: false, .. }) => refused("another user's"),
            Some(Entry { kind: Kind::Link, .. }) => refused("a symbolic link"),
            Some(Entry { kind: Kind::Other, .. }) => refused("not a directory"),
            Some(Entry { kind: Kind::Directory, private: true, .. }) => Ok(true),
            Some(Entry { kind: Kind::Directory, .. }) => {
                Self::io("use", &self.path, self.fs.make_private(&self.path)).map(|()| true)
            }
            Some(Entry { kind: Kind::File, .. }) => self.replace_file().map(|()| true),
            None => self.make(missing),
        }
    }

    fn make(&self, missing: Missing) -> Result<bool, QueueError> {
        if let Some(parent) = self.path.parent() {
            match (self.look(parent)?, missing) {
                (Some(_), _) => {}
                (None, Missing::Own) => return Ok(false),
                (None, Missing::All) => Self::io("make", parent, self.fs.make_parents(parent))?,
            }
        }
        let half_made = self.half_made();
        if self.look(&half_made)?.is_some_and(|entry| entry.kind == Kind::Directory && entry.own) {
            Self::io("make", &self.path, self.fs.rename(&half_made, &self.path))?;
        } else {
            self.make_directory(&self.path)?;
        }
        Ok(true)
    }

    fn make_directory(&self, path: &Path) -> Result<(), QueueError> {
        match self.fs.make_directory(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match self.look(path)? {
                Some(Entry { kind: Kind::Directory, own: true, .. }) => Ok(()),
                _ => Err(QueueError::Refused { path: path.to_owned(), what: "not a directory of this user" }),
            },
            made => Self::io("make", path, made),
        }
    }

    /// Replaces a file by a directory that contains the file. If it is the buffer of the Python library, its traces
    /// become waiting traces.
    fn replace_file(&self) -> Result<(), QueueError> {
        let half_made = self.half_made();
        self.make_directory(&half_made)?;
        python::import(&self.in_directory(half_made.clone()), &self.path)?;
        if self.look(&self.path)?.is_some_and(|entry| entry.kind == Kind::File) {
            let inside = half_made.join(format!("replaced-{}", millis(SystemTime::now())));
            Self::io("move", &self.path, self.fs.rename(&self.path, &inside))?;
        }
        Self::io("make", &self.path, self.fs.rename(&half_made, &self.path))
    }

    /// Returns the path of the new directory, which gets the queue's name once it contains the replaced file.
    fn half_made(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(PART);
        path.into()
    }

    /// Stores the traces in the Python library's buffer in this charm directory, and removes the buffer.
    pub(crate) fn import_python(&self, charm_dir: &Path) -> Result<(), QueueError> {
        let file = charm_dir.join(python::FILE);
        if self.look(&file)?.is_some() {
            self.prepare(Missing::All)?;
            python::import(self, &file)?;
        }
        Ok(())
    }
}
