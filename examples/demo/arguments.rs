//! The command line.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demo talks to the one who runs it")]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Plays a small Juju around the example charm, and shows the traces that arrive.

Usage: cargo run -p examples [-- OPTIONS]

Options:
  --endpoint URL  send the traces to this OTLP/HTTP endpoint, e.g. http://localhost:4318, instead of the built-in
                  collector
  --ca FILE       the certificate authorities of an https endpoint, PEM
  -h, --help      show this
";

/// Where the charm is told to send its traces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    BuiltIn,
    Remote { endpoint: String, ca: Option<PathBuf> },
}

/// None: help is asked for.
pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Backend>, String> {
    let (mut endpoint, mut ca) = (None, None);
    while let Some(arg) = args.next() {
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let mut value =
            || inline.clone().or_else(|| args.next()).ok_or_else(|| format!("{name} needs a value"));
        match name {
            "--endpoint" => endpoint = Some(value()?),
            "--ca" => {
                let file = value()?;
                // The charm takes absolute paths only.
                let path = fs::canonicalize(&file).map_err(|error| format!("cannot find {file}: {error}"))?;
                ca = Some(path);
            }
            "-h" | "--help" => return Ok(None),
            _ => return Err(format!("unknown argument {arg}")),
        }
    }
    match (endpoint, ca) {
        (Some(endpoint), ca) => Ok(Some(Backend::Remote { endpoint, ca })),
        (None, None) => Ok(Some(Backend::BuiltIn)),
        (None, Some(_)) => Err("--ca is for an https endpoint: give --endpoint too".to_owned()),
    }
}

pub(crate) fn help() -> ExitCode {
    print!("{HELP}");
    ExitCode::SUCCESS
}

pub(crate) fn refuse(mistake: &str) -> ExitCode {
    eprint!("{mistake}\n\n{HELP}");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Option<Backend>, String> {
        parse(args.iter().map(ToString::to_string))
    }

    #[test]
    fn without_arguments_the_collector_is_built_in() {
        assert_eq!(parsed(&[]), Ok(Some(Backend::BuiltIn)));
    }

    #[test]
    fn an_endpoint_may_stand_in_the_same_word() {
        let remote = || Ok(Some(Backend::Remote { endpoint: "http://tempo:4318".into(), ca: None }));
        assert_eq!(parsed(&["--endpoint", "http://tempo:4318"]), remote());
        assert_eq!(parsed(&["--endpoint=http://tempo:4318"]), remote());
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parsed(&["--endpoint"]), Err("--endpoint needs a value".into()));
        assert_eq!(parsed(&["--verbose"]), Err("unknown argument --verbose".into()));
        assert!(parsed(&["--ca", "/no/such/file"]).is_err_and(|text| text.contains("/no/such/file")));
    }
}
