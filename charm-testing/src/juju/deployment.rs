//! A deployment: a charm, and what Juju is to say about the unit.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::simulated_juju::SimulatedJuju;

/// A charm to be deployed as one unit. [`Deployment::start`] makes a [`SimulatedJuju`] of it.
#[derive(Debug, Clone)]
pub struct Deployment {
    pub(super) charm: Charm,
    pub(super) tools_are_processes: bool,
    pub(super) unit: String,
    pub(super) model_name: String,
    pub(super) model_uuid: String,
    pub(super) juju_version: String,
    /// Files of the charm beside `dispatch`, by name; None if there shall be none of that name.
    pub(super) files: BTreeMap<String, Option<String>>,
}

/// The program that becomes `dispatch` in the charm directory.
#[derive(Debug, Clone)]
pub(super) enum Charm {
    Binary(PathBuf),
    Script(String),
}

impl Deployment {
    /// A charm that is this program, as unit `app/0`.
    #[must_use]
    pub fn new(charm: &Path) -> Self {
        Self::of(Charm::Binary(charm.to_owned()))
    }

    /// A charm that is this script; it begins with `#!`.
    #[must_use]
    pub fn of_script(script: &str) -> Self {
        Self::of(Charm::Script(script.to_owned()))
    }

    /// Shadows Juju's own hook tools by others that do the same, so that each call is a process. Unless that is said, a charm
    /// may ask the agent over its socket.
    #[must_use]
    pub fn tools_as_processes(mut self) -> Self {
        self.tools_are_processes = true;
        self
    }

    /// The unit's name; the application's is what stands before the slash.
    #[must_use]
    pub fn unit(mut self, name: &str) -> Self {
        name.clone_into(&mut self.unit);
        self
    }

    /// The model's name and UUID.
    #[must_use]
    pub fn model(mut self, name: &str, uuid: &str) -> Self {
        name.clone_into(&mut self.model_name);
        uuid.clone_into(&mut self.model_uuid);
        self
    }

    /// The version that Juju claims to be. It also decides which variables there are, and how hook tools are worded.
    #[must_use]
    pub fn juju_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.juju_version);
        self
    }

    /// The text of `metadata.yaml`. Unless said otherwise it holds only the charm's name, which is the application's.
    #[must_use]
    pub fn metadata(self, text: &str) -> Self {
        self.file("metadata.yaml", text)
    }

    /// The text of `charmcraft.yaml`, and no `metadata.yaml`.
    #[must_use]
    pub fn charmcraft(self, text: &str) -> Self {
        self.without_file("metadata.yaml").file("charmcraft.yaml", text)
    }

    /// A file in the charm directory.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.insert(name.to_owned(), Some(text.to_owned()));
        self
    }

    /// Leaves a file out of the charm directory.
    #[must_use]
    pub fn without_file(mut self, name: &str) -> Self {
        self.files.insert(name.to_owned(), None);
        self
    }

    /// Lays the charm out in a directory of its own. Nothing runs before the first dispatch.
    ///
    /// # Panics
    /// If that is impossible, for instance because there is no such charm.
    #[must_use]
    pub fn start(self) -> SimulatedJuju {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Lays the charm out like [`Deployment::start`], where there may be no place for it.
    ///
    /// # Errors
    /// If the charm is missing, or no directory can be made where `TMPDIR` says.
    pub fn try_start(mut self) -> io::Result<SimulatedJuju> {
        let application = self.unit.split('/').next().unwrap_or_default();
        let metadata = format!("name: {application}\n");
        self.files.entry("metadata.yaml".to_owned()).or_insert(Some(metadata));
        SimulatedJuju::start(self)
    }

    fn of(charm: Charm) -> Self {
        Self {
            charm,
            tools_are_processes: false,
            unit: "app/0".to_owned(),
            model_name: "test-model".to_owned(),
            model_uuid: "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01".to_owned(),
            juju_version: "3.6.11".to_owned(),
            files: BTreeMap::new(),
        }
    }
}
