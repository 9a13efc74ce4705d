use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use saphyr::{LoadableYamlNode, Yaml};

use crate::regular_file::read_regular_file;

/// The largest file that is read, in bytes. A charm's metadata has some thousands.
const LARGEST: u64 = 1024 * 1024;

/// What a charm says about itself: the part of `metadata.yaml` that its code may want to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The name of the charm; empty if the file has none.
    pub name: String,
    /// The endpoints that need another application.
    pub requires: BTreeMap<String, Endpoint>,
    /// The endpoints that other applications may need.
    pub provides: BTreeMap<String, Endpoint>,
    /// The endpoints between the units of the application.
    pub peers: BTreeMap<String, Endpoint>,
}

/// An endpoint of a charm, by which its applications are related.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The interface; both ends of a relation have the same.
    pub interface: String,
    /// How many relations there may be. `None`: any number.
    pub limit: Option<u32>,
    /// Whether the charm works without. Juju shows it and does not enforce it.
    pub optional: bool,
}

/// The side of a relation that an endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Under `requires` in the metadata.
    Requires,
    /// Under `provides` in the metadata.
    Provides,
    /// Under `peers` in the metadata.
    Peer,
}

/// The key of the metadata under which such endpoints are: `requires`, `provides` or `peers`.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Requires => "requires",
            Self::Provides => "provides",
            Self::Peer => "peers",
        })
    }
}

/// The charm's metadata cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The directory has neither of the files.
    #[error("cannot find metadata.yaml or charmcraft.yaml in {}", .directory.display())]
    NotFound {
        /// The charm's directory.
        directory: PathBuf,
    },
    /// The file is there and cannot be read, is not a regular file, or has more than 1 MiB.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The file is not YAML, or not a mapping.
    #[error("cannot understand {} as a charm's metadata", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the YAML reader says, if it was not YAML.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
}

impl Metadata {
    /// Reads `metadata.yaml`, or `charmcraft.yaml` where that is all there is: a packed charm has the former,
    /// charmcraft writes it.
    ///
    /// Endpoints may have the short form `endpoint: interface`. What has another form than Juju accepts is left out,
    /// and everything else that the file contains is ignored.
    ///
    /// # Errors
    ///
    /// Neither file exists; or the one there cannot be read, is not a regular file of at most 1 MiB, or is not a YAML mapping.
    pub fn load(charm_dir: &Path) -> Result<Self, MetadataError> {
        for name in ["metadata.yaml", "charmcraft.yaml"] {
            let path = charm_dir.join(name);
            match read_regular_file(&path, LARGEST) {
                Ok(content) => return Self::parse(&content, path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(MetadataError::Unreadable { path, source: Arc::new(error) }),
            }
        }
        Err(MetadataError::NotFound { directory: charm_dir.to_owned() })
    }

    /// The role and details of an endpoint.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<(Role, &Endpoint)> {
        [(Role::Requires, &self.requires), (Role::Provides, &self.provides), (Role::Peer, &self.peers)]
            .into_iter()
            .find_map(|(role, endpoints)| Some((role, endpoints.get(name)?)))
    }

    fn parse(content: &[u8], path: PathBuf) -> Result<Self, MetadataError> {
        let text = match str::from_utf8(content) {
            Ok(text) => text.trim_start_matches('\u{feff}'),
            Err(error) => return Err(MetadataError::Malformed { path, source: Some(Arc::new(error)) }),
        };
        let documents = match Yaml::load_from_str(text) {
            Ok(documents) => documents,
            Err(error) => return Err(MetadataError::Malformed { path, source: Some(Arc::new(error)) }),
        };
        let Some(document) = documents.first().filter(|document| document.is_mapping()) else {
            return Err(MetadataError::Malformed { path, source: None });
        };
        let name = document.as_mapping_get("name").and_then(Yaml::as_str).unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            requires: endpoints(document, "requires"),
            provides: endpoints(document, "provides"),
            peers: endpoints(document, "peers"),
        })
    }
}

fn endpoints(document: &Yaml<'_>, section: &str) -> BTreeMap<String, Endpoint> {
    let section = document.as_mapping_get(section).and_then(Yaml::as_mapping);
    let named = section.into_iter().flatten();
    named.filter_map(|(name, value)| Some((name.as_str()?.to_owned(), endpoint(value)?))).collect()
}

fn endpoint(value: &Yaml<'_>) -> Option<Endpoint> {
    if let Some(interface) = value.as_str() {
        return Some(Endpoint { interface: interface.to_owned(), ..Endpoint::default() });
    }
    let limit = value.as_mapping_get("limit").and_then(Yaml::as_integer);
    Some(Endpoint {
        interface: value.as_mapping_get("interface")?.as_str()?.to_owned(),
        limit: limit.and_then(|limit| u32::try_from(limit).ok()),
        optional: value.as_mapping_get("optional").and_then(Yaml::as_bool).unwrap_or(false),
    })
}

#[cfg(test)]
mod tests;
