use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::yaml::{Document, NodeId, Values};
use crate::regular_file::read_regular_file;

/// The largest file that is read, in bytes. A charm's metadata has some thousands.
const LARGEST: u64 = 1024 * 1024;

/// How many bytes its names of endpoints and interfaces may have: as text, some more than the file, and with aliases any
/// number.
const LARGEST_EXPANDED: usize = 4 * 1024 * 1024;

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
    /// and everything else that the file contains is ignored. Merge keys (`<<`) count, a key that is there several times has
    /// its last value, and documents after the first one are ignored.
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
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => return Err(MetadataError::Malformed { path, source: Some(Arc::new(error)) }),
        };
        let Some((document, root)) = document.as_ref().and_then(|it| Some((it, it.root()?))) else {
            return Err(MetadataError::Malformed { path, source: None });
        };
        let mut reader = EndpointReader::new(document, root);
        let sections = ["requires", "provides", "peers"].map(|section| reader.endpoints(section));
        let [Some(requires), Some(provides), Some(peers)] = sections else {
            let why = format!("its aliases stand for more than {LARGEST_EXPANDED} bytes");
            let source = Arc::new(io::Error::new(io::ErrorKind::FileTooLarge, why));
            return Err(MetadataError::Malformed { path, source: Some(source) });
        };
        let name = document.values_of("name").of(root).and_then(|name| document.text(name));
        Ok(Self { name: name.unwrap_or_default().to_owned(), requires, provides, peers })
    }
}

/// Reads the endpoints of a charm from its metadata.
struct EndpointReader<'doc> {
    document: &'doc Document<'doc>,
    root: NodeId,
    interface: Values,
    limit: Values,
    optional: Values,
    /// How many bytes more of names and interfaces it copies.
    left: usize,
}

impl<'doc> EndpointReader<'doc> {
    fn new(document: &'doc Document<'doc>, root: NodeId) -> Self {
        let [interface, limit, optional] =
            ["interface", "limit", "optional"].map(|key| document.values_of(key));
        Self { document, root, interface, limit, optional, left: LARGEST_EXPANDED }
    }

    /// The endpoints of a section; `None` if all that were read are more than may be copied.
    fn endpoints(&mut self, section: &str) -> Option<BTreeMap<String, Endpoint>> {
        let document = self.document;
        let section = document.values_of(section).of(self.root);
        let Some(section) = section.filter(|section| document.is_mapping(*section)) else {
            return Some(BTreeMap::new());
        };
        let mut endpoints = BTreeMap::new();
        for (name, value) in document.entries(section) {
            let details = document.is_mapping(value).then_some(value);
            let interface = details.map_or(Some(value), |details| self.interface.of(details));
            let Some(interface) = interface.and_then(|interface| document.text(interface)) else { continue };
            self.left = self.left.checked_sub(name.len() + interface.len())?;
            let limit = details.and_then(|details| self.limit.of(details));
            let optional = details.and_then(|details| self.optional.of(details));
            let endpoint = Endpoint {
                interface: interface.to_owned(),
                limit: limit.and_then(|limit| document.number(limit)),
                optional: optional.is_some_and(|optional| document.is_true(optional)),
            };
            endpoints.insert(name.to_owned(), endpoint);
        }
        Some(endpoints)
    }
}

#[cfg(test)]
mod tests;
