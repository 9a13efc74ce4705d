use std::fs;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use charm_testing::otlp_json;
use charm_tracing::__charm_traces::with_causes;

use super::chrome::chrome;
use crate::arguments::{Export, Format};
use crate::program::Outcome;
use crate::show::chosen_ids;
use crate::stored::{Fault, Shown, Stored, read};

/// Writes the traces at a path in another format.
pub(crate) fn export(arguments: &Export) -> anyhow::Result<Outcome> {
    let reading = read(&arguments.chosen.path);
    let mut faults = reading.faults;
    let chosen = chosen_ids(&arguments.chosen, &reading.stored);
    // A request is written whole.
    let stored: Vec<_> = reading.stored.into_iter().filter(|stored| stored.is_one_of(&chosen)).collect();
    let bytes = match arguments.format {
        Format::Otlp => stored.into_iter().flat_map(|stored| stored.request).collect(),
        Format::OtlpJson => lines(stored, &mut faults).into_bytes(),
        Format::Chrome => chrome(&Shown::all(stored)).into_bytes(),
    };
    let outcome = Outcome::after(&faults);
    match &arguments.output {
        Some(path) => fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?,
        None if arguments.format == Format::Otlp && io::stdout().is_terminal() => {
            bail!("Protocol Buffers are nothing for a terminal: name a file with -o");
        }
        None => match io::stdout().write_all(&bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        },
    }
    Ok(outcome)
}

fn lines(stored: Vec<Stored>, faults: &mut Vec<Fault>) -> String {
    let mut text = String::new();
    for Stored { request, place, .. } in stored {
        match otlp_json::from_request(&request) {
            Ok(json) => text.extend([&*json, "\n"]),
            Err(error) => faults.push(Fault { path: place.path().to_owned(), reason: with_causes(&error) }),
        }
    }
    text
}
