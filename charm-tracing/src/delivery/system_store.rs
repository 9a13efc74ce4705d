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
mod tests;
