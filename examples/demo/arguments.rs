//! The command line.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demo talks to the one who runs it")]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use http::Uri;

const HELP: &str = "\
Plays a small Juju around two example charms, and shows the traces that arrive.

Usage: cargo run -p examples [-- OPTIONS]

Options:
  --endpoint URL  send the traces to this OTLP/HTTP endpoint, e.g. http://localhost:4318, instead of the built-in
                  collector, and show their ids
  --ca FILE       the certificate authorities of an https endpoint, PEM
  --page FILE     write the page of the traces to this file, instead of demo.html beside the program
  --open          open the page in the browser
  -h, --help      show this

On a terminal there are colours, unless NO_COLOR is set. TMPDIR names the directory in which the units are laid out.
";

/// The arguments of the demo.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) backend: Backend,
    /// The file of the page.
    pub(crate) page: Option<PathBuf>,
    /// True if the page is to be opened in the browser.
    pub(crate) open: bool,
}

/// Where the traces go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    BuiltIn,
    Remote { endpoint: Endpoint, ca: Option<PathBuf> },
}

/// An OTLP/HTTP endpoint, with a port of its own or that of its scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) url_without_port: String,
    pub(crate) port: u16,
}

impl Endpoint {
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let refused = || format!("{url} is not an endpoint such as http://localhost:4318");
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let authority =
            uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(refused)?;
        let usual = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(refused()),
        };
        let (_, port) = authority.as_str().rsplit_once(authority.host()).unwrap_or_default();
        let behind_scheme = url.find("://").ok_or_else(refused)? + "://".len();
        let (host, path) = url.split_at(behind_scheme + authority.as_str().len());
        Ok(Self {
            url: url.to_owned(),
            url_without_port: format!("{}{path}", &host[..host.len() - port.len()]),
            port: if port.len() > 1 { authority.port_u16().ok_or_else(refused)? } else { usual },
        })
    }
}

/// None: help is asked for.
pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let (mut endpoint, mut ca, mut page, mut open) = (None, None, None, false);
    while let Some(arg) = args.next() {
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let mut value =
            || inline.clone().or_else(|| args.next()).ok_or_else(|| format!("{name} needs a value"));
        match name {
            "--endpoint" => endpoint = Some(Endpoint::parse(&value()?)?),
            "--ca" => {
                let file = value()?;
                // The charm takes absolute paths only.
                let path = fs::canonicalize(&file).map_err(|error| format!("cannot find {file}: {error}"))?;
                ca = Some(path);
            }
            "--page" => page = Some(PathBuf::from(value()?)),
            "--open" if inline.is_none() => open = true,
            "-h" | "--help" => return Ok(None),
            _ => return Err(format!("unknown argument {arg}")),
        }
    }
    let backend = match (endpoint, ca) {
        (Some(endpoint), ca) => Backend::Remote { endpoint, ca },
        (None, None) => Backend::BuiltIn,
        (None, Some(_)) => return Err("--ca is for an https endpoint: give --endpoint too".to_owned()),
    };
    Ok(Some(Arguments { backend, page, open }))
}

pub(crate) fn help() -> ExitCode {
    print!("{HELP}");
    ExitCode::SUCCESS
}

/// Says what keeps the demo from running.
pub(crate) fn fail(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

pub(crate) fn refuse(mistake: &str) -> ExitCode {
    eprint!("{mistake}\n\n{HELP}");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Option<Arguments>, String> {
        parse(args.iter().map(ToString::to_string))
    }

    fn sent_to(backend: Backend) -> Arguments {
        Arguments { backend, page: None, open: false }
    }

    #[test]
    fn without_arguments_the_collector_is_built_in() {
        assert_eq!(parsed(&[]), Ok(Some(sent_to(Backend::BuiltIn))));
    }

    #[test]
    fn an_endpoint_may_stand_in_the_same_word() {
        let endpoint = Endpoint::parse("http://tempo:4318").expect("an endpoint");
        let remote = || Ok(Some(sent_to(Backend::Remote { endpoint: endpoint.clone(), ca: None })));
        assert_eq!(parsed(&["--endpoint", "http://tempo:4318"]), remote());
        assert_eq!(parsed(&["--endpoint=http://tempo:4318"]), remote());
    }

    #[test]
    fn an_endpoint_without_a_port_has_that_of_its_scheme() {
        for (url, url_without_port, port) in [
            ("http://tempo:4318", "http://tempo", 4318),
            ("http://tempo", "http://tempo", 80),
            ("https://tempo", "https://tempo", 443),
            ("https://tempo:/", "https://tempo/", 443),
            ("https://tempo/my-model-tempo/v1/traces", "https://tempo/my-model-tempo/v1/traces", 443),
            ("https://tempo:4318@tempo:4318/a:4318/", "https://tempo:4318@tempo/a:4318/", 4318),
            ("https://tempo:secret@tempo", "https://tempo:secret@tempo", 443),
            ("http://[::1]", "http://[::1]", 80),
            ("http://[::1]:4318/", "http://[::1]/", 4318),
        ] {
            let url_without_port = url_without_port.to_owned();
            assert_eq!(Endpoint::parse(url), Ok(Endpoint { url: url.to_owned(), url_without_port, port }));
        }
        for url in
            ["", "tempo", "tempo:4318", "grpc://tempo:4317", "http://", "http://tempo:99999", "http://a b"]
        {
            let refused = format!("{url} is not an endpoint such as http://localhost:4318");
            assert_eq!(Endpoint::parse(url), Err(refused));
        }
    }

    #[test]
    fn the_page_may_have_another_place_and_be_opened() {
        let arguments = Arguments { backend: Backend::BuiltIn, page: Some("a.html".into()), open: true };
        assert_eq!(parsed(&["--open", "--page", "a.html"]), Ok(Some(arguments)));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parsed(&["--endpoint"]), Err("--endpoint needs a value".into()));
        for unknown in ["--verbose", "--open=yes"] {
            assert_eq!(parsed(&[unknown]), Err(format!("unknown argument {unknown}")));
        }
        assert!(parsed(&["--ca", "/no/such/file"]).is_err_and(|text| text.contains("/no/such/file")));
    }
}
