//! Opens and reads files at a path that another program may change.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// The longest path that Linux accepts, in bytes.
const LONGEST_PATH: usize = 4096;

/// Returns true if this is an absolute path, and not another text that was given by mistake, such as a private key, which
/// no message may show.
#[must_use]
pub fn is_plain_path(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    path.is_absolute()
        && bytes.len() < LONGEST_PATH
        && !bytes.iter().any(u8::is_ascii_control)
        && !bytes.windows(BEGIN.len()).any(|window| window == BEGIN)
}

const BEGIN: &[u8] = b"-----BEGIN";

/// Returns options to open a file of our own. They do not follow a symbolic link, and do not wait for the other end of a pipe.
#[must_use]
pub fn own_file_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(custom_flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
    options
}

/// Returns an error if this process may not make a file of this size (`ulimit -f`), because the attempt would kill it
/// (SIGXFSZ). Calls `len` only if there is a limit.
///
/// # Errors
///
/// The limit is less than `len`, or `len` fails.
pub fn check_size_limit(len: impl FnOnce() -> io::Result<u64>) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if len()? > limit => Err(io::ErrorKind::FileTooLarge.into()),
        _ => Ok(()),
    }
}

/// Returns flags in the type that `OpenOptions` takes. Before Rust 1.87 integers have no `cast_signed`.
fn custom_flags(flags: OFlags) -> i32 {
    i32::from_ne_bytes(flags.bits().to_ne_bytes())
}

/// Reads a regular file of at most `at_most` bytes. Follows symbolic links.
///
/// It waits only for the disk, and never reads more than the limit. A FIFO, a device, and a file that grows beyond the
/// limit during the read are errors.
///
/// # Errors
///
/// The file cannot be opened or read, is not regular, or is larger than `at_most` bytes.
pub fn read_regular_file(path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
    let not_regular = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
    // Without these flags, opening a FIFO would wait for a writer, and a terminal could become the controlling terminal.
    let flags = custom_flags(OFlags::NONBLOCK | OFlags::NOCTTY);
    // The standard library opens every file with close-on-exec.
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        // The path is a socket, or a device without a driver.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NXIO) => return Err(not_regular()),
        opened => opened?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular());
    }
    let mut content = Vec::new();
    // The length is wrong for files of `/proc` and for files that grow, so the read has a limit as well.
    if metadata.len() <= at_most {
        // With room for all of it and a little more, one call of the operating system reads it, and one finds the end.
        content.reserve_exact(usize::try_from(metadata.len()).unwrap_or(0).saturating_add(64));
        file.take(at_most.saturating_add(1)).read_to_end(&mut content)?;
    }
    if metadata.len().max(content.len() as u64) > at_most {
        let why = format!("it is larger than {at_most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_the_limit() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        for (content, fits) in [(&b""[..], true), (b"1234", true), (b"12345", false)] {
            fs::write(&file, content).expect("written");
            match read_regular_file(&file, 4) {
                Ok(read) => assert!(fits && read == content),
                Err(error) => assert!(!fits && error.to_string() == "it is larger than 4 bytes", "{error}"),
            }
        }
        let absent = read_regular_file(&directory.path().join("absent"), 4).expect_err("absent");
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_text_is_no_path() {
        for path in ["/etc/ca.crt", "/", "/with space/\u{e9}.crt", "/CN=a/-----END"] {
            assert!(is_plain_path(Path::new(path)), "{path}");
        }
        let long = format!("/{}", "a".repeat(LONGEST_PATH));
        let pem = "-----BEGIN PRIVATE KEY-----";
        for text in ["", "ca.crt", "./ca.crt", "/a\nb", "/a\0", pem, &format!("/CN=a {pem}"), &long] {
            assert!(!is_plain_path(Path::new(text)), "{text}");
        }
    }

    #[test]
    fn a_link_counts_as_what_it_leads_to() {
        let directory = tempfile::tempdir().expect("a directory");
        let [file, link, endless] = ["file", "link", "endless"].map(|name| directory.path().join(name));
        fs::write(&file, "text").expect("written");
        symlink(&file, &link).expect("linked");
        symlink("/dev/zero", &endless).expect("linked");
        assert_eq!(read_regular_file(&link, 4).expect("regular"), b"text");
        let error = read_regular_file(&endless, 4).expect_err("a device");
        assert_eq!(error.to_string(), "it is not a regular file");
        fs::remove_file(&file).expect("removed");
        let dangling = read_regular_file(&link, 4).expect_err("it leads nowhere");
        assert_eq!(dangling.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_not_regular_is_refused_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let [folder, fifo, socket] = ["folder", "fifo", "socket"].map(|name| directory.path().join(name));
        fs::create_dir(&folder).expect("made");
        mkfifoat(CWD, &fifo, Mode::RUSR).expect("made");
        let _listener = UnixListener::bind(&socket).expect("bound");
        let begun = Instant::now();
        for path in [&*folder, &*fifo, &*socket, "/dev/zero".as_ref(), "/dev/null".as_ref()] {
            let error = read_regular_file(path, 1000).expect_err("not regular");
            assert_eq!(error.to_string(), "it is not a regular file", "{}", path.display());
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_large_file_with_holes_is_not_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sparse");
        File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a tebibyte");
        let begun = Instant::now();
        let error = read_regular_file(&path, 1 << 20).expect_err("too large");
        assert_eq!(error.to_string(), "it is larger than 1048576 bytes");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_file_without_a_length_is_bounded_all_the_same() {
        let path = Path::new("/proc/self/environ");
        let long = fs::read(path).expect("Linux").len() as u64;
        assert_eq!(fs::metadata(path).expect("Linux").len(), 0);
        assert_eq!(read_regular_file(path, long).expect("it fits").len() as u64, long);
        if let Some(less) = long.checked_sub(1) {
            let error = read_regular_file(path, less).expect_err("one byte too many");
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        }
    }

    #[test]
    fn a_file_that_grows_is_read_or_too_large() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("growing");
        let mut file = File::create(&path).expect("made");
        let writer = thread::spawn(move || {
            for _ in 0..1000 {
                file.write_all(&[b'x'; 100]).expect("written");
            }
        });
        loop {
            match read_regular_file(&path, 50_000) {
                Ok(content) => assert!(content.len() <= 50_000),
                Err(error) => break assert_eq!(error.kind(), io::ErrorKind::FileTooLarge),
            }
        }
        writer.join().expect("it writes all");
    }
}
