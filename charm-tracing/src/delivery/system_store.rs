//! Reads the certificates that the system trusts. The environment and the directories may name a pipe, a device or an
//! endless file, but none of them can block the hook or exhaust its memory.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

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
    // The smallest first, so that a large one does not use up the limit of the others.
    let mut files = BTreeSet::from_iter(file.map(|file| (0, file)));
    let (mut certificates, mut left, mut first_error) = (Vec::new(), LARGEST, None);
    let mut note = |path: &Path, error: &io::Error| {
        let error = io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        log::debug!("a part of the system's certificate store cannot be read: {error}");
        first_error.get_or_insert(error);
    };
    for directory in directories {
        match fs::read_dir(&directory) {
            // Many entries are links to others.
            Ok(entries) => files.extend(entries.take(MOST_ENTRIES).filter_map(|entry| {
                let path = fs::canonicalize(entry.ok()?.path()).ok()?;
                let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
                Some((metadata.len(), path))
            })),
            Err(error) => note(&directory, &error),
        }
    }
    for (_, file) in files {
        match read_regular_file(&file, left) {
            Ok(text) => {
                left -= text.len() as u64;
                certificates.extend(pem::certificates(&text));
            }
            Err(error) => note(&file, &error),
        }
    }
    certificates.sort_unstable_by(|one, other| one.as_ref().cmp(other));
    certificates.dedup();
    (certificates, first_error)
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
        // All files together have the limit.
        fs::write(path("three.pem"), format!("{}{}", pem(), "\n".repeat(3 << 20))).unwrap();
        fs::write(path("four.pem"), format!("{}{}", pem(), "\n".repeat((3 << 20) + 100_000))).unwrap();
        assert_eq!(all(None), 3);
    }
}
