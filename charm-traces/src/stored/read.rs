use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use charm_testing::otlp_json;
use charm_tracing::__charm_traces::{WaitingName, interrupted, requests_of_python, with_causes};
use charm_tracing::opentelemetry::trace::TraceId;
use charm_tracing::testing::Trace;

use super::database;
use super::place::{OPS_DATABASE, PYTHON_BUFFER, Place, QUEUE, State};

/// Everything that was found at a path.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The traces, oldest first in each file or directory.
    pub(crate) stored: Vec<Stored>,
    /// The files that could not be read, or not all of them.
    pub(crate) faults: Vec<Fault>,
}

/// An OTLP request that was found on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The request, in Protocol Buffers.
    pub(crate) request: Vec<u8>,
    /// The spans of the request.
    pub(crate) trace: Trace,
    pub(crate) state: State,
    pub(crate) place: Place,
}

impl Stored {
    /// Returns true if a span of the request is of one of these traces.
    pub(crate) fn is_one_of(&self, ids: &HashSet<TraceId>) -> bool {
        self.trace.iter().any(|span| ids.contains(&span.trace_id))
    }
}

/// A file that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// The largest file that is read, in bytes. A trace has at most 4.5 MB by default, and the buffers of Python 40 MiB.
const LARGEST: u64 = 64 << 20;
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Reads the traces in a charm directory, a directory of waiting traces or a file. `-` is the standard input.
pub(crate) fn read(path: &Path) -> Reading {
    let mut reading = Reading::default();
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        match io::stdin().lock().take(LARGEST).read_to_end(&mut bytes) {
            Ok(_) => reading.add_file(Path::new("standard input"), bytes),
            Err(error) => reading.fault(path, error),
        }
        return reading;
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => reading.add_directory(path),
        Ok(_) => reading.add_path(path),
        Err(error) => reading.fault(path, error),
    }
    reading
}

impl Reading {
    fn fault(&mut self, path: impl AsRef<Path>, reason: impl fmt::Display) {
        self.faults.push(Fault { path: path.as_ref().to_owned(), reason: reason.to_string() });
    }

    fn add_directory(&mut self, directory: &Path) {
        let places = [QUEUE, PYTHON_BUFFER, OPS_DATABASE].map(|name| directory.join(name));
        if !places.iter().any(|place| place.exists()) {
            return self.add_queue(directory, false);
        }
        for place in places {
            if place.is_dir() {
                self.add_queue(&place, true);
            } else if place.exists() {
                self.add_path(&place);
            }
        }
    }

    /// Reads the traces in a directory. `is_queue` is true if its name says that it is a queue; any other directory is one only
    /// if the name of a file in it says so.
    fn add_queue(&mut self, queue: &Path, is_queue: bool) {
        let entries = fs::read_dir(queue).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.fault(queue, error),
        };
        let has_traces =
            |entry: &fs::DirEntry| matches!(extension(&entry.path()), "otlp" | "idle" | "journal" | "part");
        if !is_queue && !entries.iter().any(has_traces) {
            return;
        }
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (name, path) = (entry.file_name(), entry.path());
            let bytes = name.as_bytes();
            if WaitingName::parse(bytes).is_some() || is_readable(&path) {
                self.add_path(&path);
            } else if bytes.ends_with(b".part") {
                self.fault(
                    path,
                    "it is half-written: a dispatch writes it right now, or was killed while it did",
                );
            } else if !matches!(bytes, b"state" | b"sending") && !bytes.starts_with(b"replaced-") {
                self.fault(path, "it is none of a charm's traces");
            }
        }
    }

    fn add_path(&mut self, path: &Path) {
        match contents(path) {
            Ok(Some(bytes)) => self.add_file(path, bytes),
            // It was sent just now.
            Ok(None) => {}
            Err(reason) => self.fault(path, reason),
        }
    }

    fn add_file(&mut self, path: &Path, bytes: Vec<u8>) {
        let name = path.file_name().and_then(|name| WaitingName::parse(name.as_bytes()));
        if let Some(name) = name {
            let state = if name.is_idle() { State::Idle } else { State::Ended };
            if name.is_name_of(&bytes) {
                self.add_request(bytes, state, Place::File(path.to_owned()));
            } else {
                self.fault(path, "it is damaged: the checksum in its name is not that of its contents");
            }
        } else if extension(path) == "journal" {
            match interrupted(&bytes) {
                Some(request) => self.add_request(request, State::Interrupted, Place::File(path.to_owned())),
                None => self.fault(path, "it is damaged: no whole span is in this journal"),
            }
        } else if bytes.starts_with(SQLITE) {
            for row in database::rows(path).unwrap_or_else(|error| vec![Err(with_causes(&error))]) {
                match row {
                    Ok((id, request)) => {
                        self.add_request(request, State::Ended, Place::Row(path.to_owned(), id));
                    }
                    Err(reason) => self.fault(path, reason),
                }
            }
        } else if bytes.trim_ascii_start().starts_with(b"{") {
            for request in otlp_json::to_requests(&bytes) {
                match request {
                    Ok(request) => self.add_parts(path, vec![request]),
                    Err(error) => self.fault(path, with_causes(&error)),
                }
            }
        } else if Trace::from_otlp(&bytes).is_ok_and(|trace| !trace.is_empty()) {
            self.add_request(bytes, State::Ended, Place::File(path.to_owned()));
        } else {
            let requests: Vec<_> = requests_of_python(&bytes).into_iter().map(<[u8]>::to_vec).collect();
            if requests.is_empty() && !bytes.is_empty() {
                return self.fault(path, "it is damaged, or none of a charm's traces");
            }
            self.add_parts(path, requests);
        }
    }

    fn add_parts(&mut self, path: &Path, requests: Vec<Vec<u8>>) {
        for request in requests {
            self.add_request(request, State::Ended, Place::PartOf(path.to_owned()));
        }
    }

    fn add_request(&mut self, request: Vec<u8>, state: State, place: Place) {
        match Trace::from_otlp(&request) {
            Ok(trace) => self.stored.push(Stored { request, trace, state, place }),
            Err(error) => self.fault(place.path(), with_causes(&error)),
        }
    }
}

/// Returns true for a file that may have traces, although its name is none of a waiting trace.
fn is_readable(path: &Path) -> bool {
    matches!(extension(path), "journal" | "otlp" | "idle" | "json" | "raw" | "db")
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(OsStr::to_str).unwrap_or_default()
}

/// Returns the bytes of a regular file; `None` if there is no file any more.
pub(crate) fn contents(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    if metadata.len() > LARGEST {
        return Err(format!("it has {} bytes, and more than {LARGEST} are not read", metadata.len()));
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns the path of the queue at a path that was given: the path itself, or its place in a charm directory.
pub(crate) fn queue_at(path: &Path) -> PathBuf {
    let inside = path.join(QUEUE);
    if inside.is_dir() { inside } else { path.to_owned() }
}
