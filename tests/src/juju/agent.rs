//! The agent's end of the socket: for as long as one dispatch runs, it answers that dispatch's hook tools.
//!
//! One tool at a time, as in Juju. Between dispatches nothing listens, so a process that outlives its hook is refused
//! by the system, and by its context id when the next hook runs.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing_relation::juju::testing::{HookContext, Model};

use super::protocol::{Reply, Request};

/// A tool that says nothing for this long was killed in a way that left its end of the socket open.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers hook tools until it is dropped.
#[derive(Debug)]
pub(super) struct Agent {
    socket: PathBuf,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the agent knows about the dispatch that runs.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) context_id: String,
    pub(super) context: HookContext,
    pub(super) model: Model,
}

impl Agent {
    pub(super) fn listen(socket: &Path, desk: Desk) -> Self {
        let listener = UnixListener::bind(socket).expect("the unit's directory takes a socket");
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                // A tool that was killed with its charm leaves a broken stream. The next one is not to suffer.
                drop(stream.and_then(|stream| desk.serve(stream)));
            }
        });
        Self { socket: socket.to_owned(), stopping, thread: Some(thread) }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // `accept` has no other way to be told.
        drop(UnixStream::connect(&self.socket));
        if let Some(thread) = self.thread.take() {
            // If it panicked, the test has seen so: its tools got no answer.
            drop(thread.join());
        }
        // The directory goes too, in the end; but until then nothing is to look as if it listened.
        drop(fs::remove_file(&self.socket));
    }
}

impl Desk {
    fn serve(&self, mut stream: UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = Request::read(&mut stream)?;
        self.answer(request).write(&mut stream)
    }

    fn answer(&self, request: Request) -> Reply {
        if request.context_id != self.context_id.as_bytes() {
            let given = String::from_utf8_lossy(&request.context_id);
            let expected = &self.context_id;
            let refusal = format!("ERROR bad request: expected context id {expected:?}, got {given:?}\n");
            return Reply::Done { code: 1, stdout: Vec::new(), stderr: refusal.into_bytes() };
        }
        let mut argv: Vec<String> =
            request.argv.iter().map(|argument| String::from_utf8_lossy(argument).into_owned()).collect();
        match FileArgument::of(&mut argv) {
            Some(file) if file.is_stdin() && request.stdin.is_none() => return Reply::NeedsStdin,
            Some(file) => file.resolve(Path::new(std::ffi::OsStr::from_bytes(&request.directory))),
            None => {}
        }
        let result = self.model.run_tool(&self.context, &argv, &request.stdin.unwrap_or_default());
        // A code that no process can exit with is a mistake of the model; a tool would show it as a failure.
        let code = u8::try_from(result.code).unwrap_or(u8::MAX);
        Reply::Done { code, stdout: result.stdout, stderr: result.stderr }
    }
}

/// The `--file` of a command line, in any of the forms that Juju reads.
struct FileArgument<'a> {
    argument: &'a mut String,
    /// Where in the argument the path begins.
    start: usize,
}

impl<'a> FileArgument<'a> {
    fn of(argv: &'a mut [String]) -> Option<Self> {
        let mut next_is_path = false;
        for argument in argv.iter_mut().skip(1).take_while(|argument| *argument != "--") {
            if next_is_path {
                return Some(Self { argument, start: 0 });
            }
            match argument.trim_start_matches('-').split_once('=') {
                _ if !argument.starts_with('-') => {}
                None => next_is_path = argument.trim_start_matches('-') == "file",
                Some(("file", path)) => {
                    let start = argument.len() - path.len();
                    return Some(Self { argument, start });
                }
                Some(_) => {}
            }
        }
        None
    }

    fn is_stdin(&self) -> bool {
        &self.argument[self.start..] == "-"
    }

    /// Makes the path one that means the same here as it did where the tool was started.
    fn resolve(self, directory: &Path) {
        if !self.is_stdin() {
            let path = directory.join(&self.argument[self.start..]);
            self.argument.replace_range(self.start.., &path.to_string_lossy());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(line: &str) -> Vec<String> {
        line.split(' ').map(ToOwned::to_owned).collect()
    }

    #[test]
    fn only_a_file_of_one_dash_is_standard_input() {
        let is_stdin = |line: &str| FileArgument::of(&mut argv(line)).is_some_and(|file| file.is_stdin());
        assert!(is_stdin("relation-set -r 1 --file - --app"));
        assert!(is_stdin("relation-set --file=-"));
        assert!(is_stdin("state-set -file -"));
        assert!(!is_stdin("relation-get - tempo --app"));
        assert!(!is_stdin("relation-set --file data.yaml"));
        assert!(!is_stdin("juju-log -- --file -"));
        assert!(!is_stdin("relation-set file=-"));
    }

    #[test]
    fn paths_are_taken_from_where_the_tool_was_started() {
        let resolved = |line: &str| {
            let mut argv = argv(line);
            FileArgument::of(&mut argv).expect("has a file").resolve(Path::new("/charm"));
            argv.join(" ")
        };
        assert_eq!(resolved("relation-set --file data.yaml a=b"), "relation-set --file /charm/data.yaml a=b");
        assert_eq!(resolved("relation-set --file=data.yaml"), "relation-set --file=/charm/data.yaml");
        assert_eq!(resolved("relation-set --file /tmp/x"), "relation-set --file /tmp/x");
        assert_eq!(resolved("relation-set --file -"), "relation-set --file -");
    }
}
