//! The page of the traces, which is there to look at when the demo has ended.

use std::path::PathBuf;
use std::{env, fs, io};

use charm_testing::Trace;

use crate::arguments::Arguments;
use crate::paint::{BAD, HEADING, painted, say};

/// Writes the page and says where it is. A page that cannot be written or opened is no fault of the traces.
pub(crate) fn write(traces: &Trace, arguments: &Arguments) {
    if traces.is_empty() {
        return;
    }
    let written = place(arguments)
        .and_then(|path| fs::write(&path, charm_traces::page("demo", traces)).map(|()| path))
        .map_err(|error| format!("cannot write the page of the traces: {error}"));
    let path = match written {
        Ok(path) => path,
        Err(reason) => return say!("\n{}", painted(BAD, &reason)),
    };
    say!("\nThe same as a page to open in a browser: {}", painted(HEADING, &path.display().to_string()));
    if arguments.open
        && let Err(error) = open::that(&path)
    {
        say!("{}", painted(BAD, &format!("cannot open it: {error}")));
    }
}

/// Returns the file of the page: that of the arguments, else one beside the program, where Cargo cleans it up.
fn place(arguments: &Arguments) -> io::Result<PathBuf> {
    match &arguments.page {
        Some(path) => Ok(path.clone()),
        None => Ok(env::current_exe()?.with_file_name("demo.html")),
    }
}
