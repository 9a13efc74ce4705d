use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::yaml::{Document, Value};
use crate::regular_file::read_regular_file;

/// The largest file that is read, in bytes. The metadata of a charm has some thousands of bytes.
const LARGEST: u64 = 1024 * 1024;

/// The limit of the names of endpoints and interfaces together, in bytes. Plain text has little more than the file, but
/// YAML aliases can expand to any size.
const LARGEST_EXPANDED: usize = 4 * 1024 * 1024;

/// The words that Juju reads as "yes".
const YES: [&str; 14] =
    ["1", "t", "T", "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];

/// The data in a charm's `metadata.yaml` that its code may need.
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
    /// The interface, which is the same at both ends of a relation.
    pub interface: String,
    /// The largest number of relations; `None` for any number.
    pub limit: Option<u32>,
    /// True if the charm works without a relation here. Juju shows it, but does not enforce it.
    pub optional: bool,
}

/// The side of a relation that an endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The endpoint is under `requires` in the metadata.
    Requires,
    /// The endpoint is under `provides` in the metadata.
    Provides,
    /// The endpoint is under `peers` in the metadata.
    Peer,
}

/// Formats the role as the key of the metadata that has such endpoints: `requires`, `provides` or `peers`.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Requires => "requires",
            Self::Provides => "provides",
            Self::Peer => "peers",
        })
    }
}

/// The reason why the charm's metadata cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct MetadataError {
    message: String,
    /// The error of the system or of the YAML reader, if there was one.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Metadata {
    /// Reads `metadata.yaml`, which is in a packed charm. If it does not exist, reads `charmcraft.yaml`, from which
    /// charmcraft writes it.
    ///
    /// An endpoint may have the short form `endpoint: interface`. Endpoints that name no interface are left
    /// out, and all other content of the file is ignored. Merge keys (`<<`) count, the last value of a duplicate key
    /// counts, and only the first document is read.
    ///
    /// # Errors
    ///
    /// Neither file exists; or the file cannot be read, is not a regular file of at most 1 MiB, or is not a YAML mapping.
    pub fn load(charm_dir: &Path) -> Result<Self, MetadataError> {
        for name in ["metadata.yaml", "charmcraft.yaml"] {
            let path = charm_dir.join(name);
            match read_regular_file(&path, LARGEST) {
                Ok(content) => return Self::parse(&content, &path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let message = format!("cannot read {}", path.display());
                    return Err(MetadataError { message, source: Some(Arc::new(error)) });
                }
            }
        }
        let message = format!("cannot find metadata.yaml or charmcraft.yaml in {}", charm_dir.display());
        Err(MetadataError { message, source: None })
    }

    /// Returns the role and details of an endpoint; `None` if the metadata does not have it.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<(Role, &Endpoint)> {
        [(Role::Requires, &self.requires), (Role::Provides, &self.provides), (Role::Peer, &self.peers)]
            .into_iter()
            .find_map(|(role, endpoints)| Some((role, endpoints.get(name)?)))
    }

    fn parse(content: &[u8], path: &Path) -> Result<Self, MetadataError> {
        let metadata =
            understand(content).map_err(|source| Some(source.into())).and_then(|read| read.ok_or(None));
        metadata.map_err(|source| {
            let message = format!("cannot understand {} as a charm's metadata", path.display());
            MetadataError { message, source }
        })
    }
}

/// Reads the content of the file; `None` if it is not a mapping.
fn understand(content: &[u8]) -> Result<Option<Metadata>, Box<dyn Error + Send + Sync>> {
    let document = Document::parse(std::str::from_utf8(content)?.trim_start_matches('\u{feff}'))?;
    let Some(root) = document.root() else { return Ok(None) };
    let mut left = LARGEST_EXPANDED;
    let mut endpoints = |section: &str| {
        let mut endpoints = BTreeMap::new();
        for (name, value) in root.get(section).into_iter().flat_map(Value::entries) {
            // The short form has no mapping, only the interface.
            let Some(interface) = value.get("interface").unwrap_or(value).text() else { continue };
            left = left
                .checked_sub(name.len() + interface.len())
                .ok_or_else(|| format!("its aliases stand for more than {LARGEST_EXPANDED} bytes"))?;
            let endpoint = Endpoint {
                interface: interface.to_owned(),
                limit: value.get("limit").and_then(Value::text).and_then(|limit| limit.parse().ok()),
                optional: value.get("optional").and_then(Value::text).is_some_and(|text| YES.contains(&text)),
            };
            endpoints.insert(name.to_owned(), endpoint);
        }
        Ok::<_, String>(endpoints)
    };
    Ok(Some(Metadata {
        name: root.get("name").and_then(Value::text).unwrap_or_default().to_owned(),
        requires: endpoints("requires")?,
        provides: endpoints("provides")?,
        peers: endpoints("peers")?,
    }))
}

#[cfg(test)]
mod tests;
