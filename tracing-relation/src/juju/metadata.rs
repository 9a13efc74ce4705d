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
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn parse(text: &str) -> Result<Metadata, MetadataError> {
        Metadata::parse(text.as_bytes(), PathBuf::from("metadata.yaml"))
    }

    #[test]
    fn endpoints_are_read_in_both_forms() {
        let metadata = parse(
            "name: my-charm\nrequires:\n  tracing: {interface: tracing, limit: 1, optional: true}\n  db: mysql\n\
             provides:\n  web:\n    interface: http\npeers: {replicas: {interface: my_peers}}\n",
        )
        .expect("valid");
        assert_eq!(metadata.name, "my-charm");
        let tracing = Endpoint { interface: "tracing".to_owned(), limit: Some(1), optional: true };
        assert_eq!(metadata.endpoint("tracing"), Some((Role::Requires, &tracing)));
        let db = Endpoint { interface: "mysql".to_owned(), limit: None, optional: false };
        assert_eq!(metadata.endpoint("db"), Some((Role::Requires, &db)));
        assert_eq!(metadata.endpoint("web").map(|(role, _)| role), Some(Role::Provides));
        assert_eq!(metadata.endpoint("replicas").map(|(role, _)| role), Some(Role::Peer));
        assert_eq!(metadata.endpoint("nowhere"), None);
    }

    #[test]
    fn what_has_another_form_is_left_out() {
        let metadata =
            parse("requires:\n  a: 3\n  b: {limit: 1}\n  c: {interface: x, limit: many}\nprovides: []\n");
        let metadata = metadata.expect("a mapping");
        assert_eq!(metadata.requires.keys().collect::<Vec<_>>(), ["c"]);
        assert_eq!(metadata.requires["c"].limit, None);
    }

    #[test]
    fn anything_but_a_mapping_is_an_error_that_names_the_file() {
        for text in ["", "- a\n", "text", "a: [", "a: b: c", "\t"] {
            let error = parse(text).expect_err(text);
            assert_eq!(
                error.to_string(),
                "cannot understand metadata.yaml as a charm's metadata",
                "{text:?}"
            );
        }
        assert!(parse("a: [").expect_err("not YAML").source().is_some());
    }

    #[test]
    fn charmcraft_yaml_counts_where_that_is_all_there_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let none = Metadata::load(directory.path()).expect_err("empty");
        assert!(matches!(none, MetadataError::NotFound { .. }), "{none:?}");
        fs::write(directory.path().join("charmcraft.yaml"), "name: from-charmcraft").expect("written");
        assert_eq!(Metadata::load(directory.path()).expect("found").name, "from-charmcraft");
        fs::write(directory.path().join("metadata.yaml"), "name: from-metadata").expect("written");
        assert_eq!(Metadata::load(directory.path()).expect("found").name, "from-metadata");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_passed_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("metadata.yaml");
        fs::write(directory.path().join("charmcraft.yaml"), "name: x").expect("written");
        let unreadable: [fn(&Path); 4] = [
            |path| fs::create_dir(path).expect("made"),
            |path| symlink("/dev/zero", path).expect("linked"),
            |path| mkfifoat(CWD, path, Mode::RUSR).expect("made"),
            |path| fs::write(path, vec![b'#'; 1024 * 1024 + 1]).expect("written"),
        ];
        let whys = ["it is not a regular file"; 3].into_iter().chain(["it is larger than 1048576 bytes"]);
        for (make, why) in unreadable.into_iter().zip(whys) {
            make(&path);
            let error = Metadata::load(directory.path()).expect_err(why);
            assert_eq!(error.to_string(), format!("cannot read {}", path.display()));
            assert_eq!(error.source().map(ToString::to_string).as_deref(), Some(why));
            fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).expect("removed");
        }
    }
}
