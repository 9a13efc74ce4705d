use std::path::{Path, PathBuf};

/// A storage instance of the unit, made with [`Juju::add_storage`](crate::Juju::add_storage): a directory.
#[derive(Debug, Clone)]
pub struct Storage {
    id: String,
    location: PathBuf,
}

impl Storage {
    pub(super) fn new(id: String, location: PathBuf) -> Self {
        Self { id, location }
    }

    /// Returns the id, such as `data/0`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the name that the charm's metadata has: `data` for `data/0`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// Returns the directory. It lasts as long as the [`Juju`](crate::Juju).
    #[must_use]
    pub fn location(&self) -> &Path {
        &self.location
    }
}
