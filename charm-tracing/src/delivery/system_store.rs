//! Reads the certificates that the system trusts. The environment and the directories may name a pipe, a device or an
//! endless file, but none of them can block the hook or exhaust its memory.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use rustls::pki_types::CertificateDer;
use tracing_relation::read_regular_file;

use super::pem;

/// The largest store that is read, in bytes. That of a Linux distribution has some 500,000.
const LARGEST: u64 = 4 << 20;
/// The largest number of entries of a directory that is read. A Linux distribution has some 300.
const MOST_ENTRIES: usize = 10_000;

/// Reads the store. Returns its certificates, and the first error, if there was one. This takes a few milliseconds, so it
/// is done only for a request.
pub(super) fn read() -> (Vec<CertificateDer<'static>>, Option<io::Error>) {
    let (file, directories) = places(|name| env::var_os(name));
    read_from(file, directories)
}

fn read_from(
    file: Option<PathBuf>,
    directories: Vec<PathBuf>,
) -> (Vec<CertificateDer<'static>>, Option<io::Error>) {
    let mut store =
        SystemStore { certificates: Vec::new(), seen: HashSet::new(), left: LARGEST, error: None };
    if let Some(file) = file {
        store.read_file(&file);
    }
    for directory in directories {
        store.read_directory(&directory);
    }
    let SystemStore { mut certificates, error, .. } = store;
    certificates.sort_unstable_by(|one, other| one.as_ref().cmp(other));
    certificates.dedup();
    (certificates, error)
}

/// Returns the file and directories that the environment names, else those of Linux distributions.
fn places(variable: impl Fn(&str) -> Option<OsString>) -> (Option<PathBuf>, Vec<PathBuf>) {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let file = set(openssl_probe::ENV_CERT_FILE).map(PathBuf::from);
    let directories = set(openssl_probe::ENV_CERT_DIR);
    if file.is_none() && directories.is_none() {
        let found = openssl_probe::probe();
        return (found.cert_file, found.cert_dir);
    }
    let directories = directories.iter().flat_map(env::split_paths);
    (file, directories.filter(|path| !path.as_os_str().is_empty()).collect())
}

struct SystemStore {
    certificates: Vec<CertificateDer<'static>>,
    /// The device and inode of each file that was read, because many files are links to others.
    seen: HashSet<(u64, u64)>,
    /// The bytes that may still be read.
    left: u64,
    /// The first error, with its path.
    error: Option<io::Error>,
}

impl SystemStore {
    fn read_file(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if !self.seen.insert((metadata.dev(), metadata.ino())) => return,
            _ => {}
        }
        match read_regular_file(path, self.left) {
            Ok(text) => {
                self.left -= text.len() as u64;
                self.certificates.extend(pem::certificates(&text));
            }
            Err(error) => self.note(path, &error),
        }
    }

    /// Reads a directory's regular files, smallest first, so that a large file does not use up the limit of the others.
    fn read_directory(&mut self, path: &Path) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.note(path, &error),
        };
        let paths = entries.take(MOST_ENTRIES).filter_map(Result::ok).map(|entry| entry.path());
        let size_of =
            |path: &PathBuf| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len());
        let mut files: Vec<_> = paths.filter_map(|path| Some((size_of(&path)?, path))).collect();
        files.sort_unstable();
        for (_, path) in files {
            self.read_file(&path);
        }
    }

    fn note(&mut self, path: &Path, error: &io::Error) {
        let error = io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        log::debug!("a part of the system's certificate store cannot be read: {error}");
        self.error.get_or_insert(error);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn pem() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::default().self_signed(&key).unwrap().pem()
    }

    #[test]
    fn the_environment_is_asked_before_the_distribution() {
        let named = |file: &str, directories: &str| {
            let (file, directories) = (OsString::from(file), OsString::from(directories));
            places(move |name| match name {
                "SSL_CERT_FILE" => Some(file.clone()),
                "SSL_CERT_DIR" => Some(directories.clone()),
                _ => None,
            })
        };
        assert_eq!(named("/a", ""), (Some("/a".into()), vec![]));
        assert_eq!(named("", "/b::/c"), (None, vec!["/b".into(), "/c".into()]));
        let distribution = openssl_probe::probe();
        assert_eq!(named("", ""), (distribution.cert_file, distribution.cert_dir));
    }

    #[test]
    fn a_store_of_other_things_than_files_is_refused_at_once_and_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let [fifo, sparse, link] = ["fifo", "sparse", "link"].map(|name| directory.path().join(name));
        mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
        symlink("/dev/zero", &link).unwrap();
        let regular = "it is not a regular file";
        let large = "it is larger than 4194304 bytes";
        for (path, why) in [
            (fifo, regular),
            (sparse, large),
            (link, regular),
            ("/dev/zero".into(), regular),
            (directory.path().into(), regular),
        ] {
            let (found, error) = read_from(Some(path.clone()), Vec::new());
            let expected = format!("{}: {why}", path.display());
            assert_eq!((found.len(), error.unwrap().to_string()), (0, expected));
        }
        let (found, error) = read_from(None, vec![directory.path().into()]);
        assert!(found.is_empty() && error.unwrap().to_string().ends_with(large));
        let (found, error) = read_from(None, vec!["/dev/zero".into()]);
        assert!(found.is_empty() && error.is_some());
    }

    #[test]
    fn what_can_be_read_of_a_store_is_trusted_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let (one, two) = (pem(), pem());
        fs::write(path("a-large-one"), vec![b'\n'; 4 << 20]).unwrap();
        mkfifoat(CWD, path("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        fs::create_dir(path("directory")).unwrap();
        symlink("nowhere", path("dangling")).unwrap();
        fs::write(path("one.pem"), &one).unwrap();
        symlink("one.pem", path("0a1b2c3d.0")).unwrap();
        fs::write(path("two.pem"), format!("{one}{}", two.replace("CERTIFICATE", "TRUSTED CERTIFICATE")))
            .unwrap();
        let all = |file: Option<&str>| read_from(file.map(path), vec![directory.path().into()]).0.len();
        assert_eq!((all(None), all(Some("one.pem")), all(Some("fifo"))), (2, 2, 2));
        assert_eq!(read_from(Some(path("0a1b2c3d.0")), vec!["/nonexistent".into()]).0.len(), 1);
    }
}
