use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

/// See, export, send and collect the traces of Juju charms, without a backend.
#[derive(Debug, Parser)]
#[command(name = "charm-traces", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  charm-traces show                               the traces that wait in this charm directory
  charm-traces show --failed --open               those that failed, as a page in the browser
  charm-traces collect --for 60 --fail-on error   a collector for a test, with an exit code
  charm-traces doctor                             why no traces arrive

Exit codes: 0 if all went well; 1 if something could not be read or sent, or was not as expected;
2 for a mistake in the arguments. Colours are for terminals, and not used where NO_COLOR is set.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the traces that wait on the disk: a list, and each as a tree with bars for its time.
    Show(Show),
    /// Write the traces for other programs, to the standard output or a file.
    Export(Export),
    /// Send the traces to a backend by hand, with the verdicts of a charm.
    Send(Send),
    /// Collect traces over OTLP/HTTP, for development and CI, and show them live at the address.
    Collect(Collect),
    /// Run one dispatch of a charm without Juju, and print what Juju saw of it, and its trace.
    Run(Run),
    /// Find out why no traces arrive, and say what to do.
    Doctor(Doctor),
    /// Write the completions of a shell to the standard output.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Where the traces are, and which of them.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// A charm directory, a directory of waiting traces, a file of either or of Python's libraries, or - for the standard input.
    #[arg(default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,
    /// Only the traces whose id begins with this.
    #[arg(long, value_name = "ID")]
    pub(crate) trace: Option<String>,
    /// Only the traces with a failed span.
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only the slowest traces, the slowest first.
    #[arg(long, value_name = "COUNT", num_args = 0..=1, require_equals = true, default_missing_value = "10")]
    pub(crate) slowest: Option<usize>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  charm-traces show /var/lib/juju/agents/unit-app-0/charm
  charm-traces show --trace 028ca2
  charm-traces show --slowest=3
  charm-traces show --html traces.html --open")]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Only the list, no trees.
    #[arg(long, conflicts_with_all = ["html", "open"])]
    pub(crate) list: bool,
    /// Write one page that needs nothing else to FILE, instead.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,
    /// Open the page in the browser. Without --html it is a temporary file.
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  charm-traces export --format chrome -o trace.json  for ui.perfetto.dev and chrome://tracing
  charm-traces export --failed > failed.json         for Jaeger, otel-cli and collectors
  charm-traces export --format otlp -o all.otlp      the body of a POST to /v1/traces")]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// The format.
    #[arg(long, value_enum, default_value_t = Format::OtlpJson)]
    pub(crate) format: Format,
    /// The file to write instead of the standard output.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// OTLP in JSON, one request a line, as collectors' file exporters write it.
    OtlpJson,
    /// The trace event format of Chrome, which Perfetto reads.
    Chrome,
    /// OTLP in Protocol Buffers: one request with all traces.
    Otlp,
}

/// Whom to trust, and for how long to wait.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// The certificate authorities to trust for https, in PEM. Without it, those of this system.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca: Option<PathBuf>,
    /// The seconds that one request may take.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  charm-traces send .charm_tracing_buffer --endpoint http://tempo:4318
  charm-traces send --endpoint https://tempo:4318 --ca ca.crt --remove")]
pub(crate) struct Send {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// The OTLP/HTTP endpoint, with or without `/v1/traces`.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) endpoint: String,
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Remove each trace that the backend has taken. Without it, the charm sends them once more.
    #[arg(long)]
    pub(crate) remove: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  charm-traces collect                                      until Ctrl-C
  charm-traces collect --listen 0.0.0.0:4318 --save traces  for charms on other machines
  charm-traces collect --for 120 --expect 'event: start'    until such a span comes; 1 if none did
  charm-traces collect --for 60 --fail-on error             a minute; 1 if a span failed

The page of the traces is at the address, e.g. http://127.0.0.1:4318/.")]
pub(crate) struct Collect {
    /// The address to listen on, e.g. localhost:4318. With port 0, a free one is taken and printed.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Save each request as an .otlp file in this directory, which is made if it is missing. `show` and `send` read it.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) save: Option<PathBuf>,
    /// The number of traces that are kept for the page.
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    pub(crate) keep: usize,
    /// Print each trace as a tree, and not as a line.
    #[arg(long)]
    pub(crate) tree: bool,
    /// Print nothing but the address and the verdict.
    #[arg(long, short, conflicts_with = "tree")]
    pub(crate) quiet: bool,
    /// End with 1 if a span came that failed.
    #[arg(long, value_name = "WHAT")]
    pub(crate) fail_on: Option<FailOn>,
    /// End with 1 if no span of this name came. Can be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) expect: Vec<String>,
    /// End after this time, or once everything that is expected came if --fail-on is not given. Without it, the end is Ctrl-C.
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) lasts: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// The status error of a span.
    Error,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  charm-traces run target/debug/dispatch config-changed --leader --config port=8080
  charm-traces run target/debug/dispatch tracing-relation-changed --relation tracing=tempo.json
  charm-traces run target/debug/dispatch backup-action --action-param path=/srv

The file of a relation is JSON: any of remote_app_name, remote_app_data, remote_units_data,
local_app_data and local_unit_data, as in ops.testing. All values of databags are texts.")]
pub(crate) struct Run {
    /// The program of the charm.
    #[arg(value_hint = ValueHint::ExecutablePath)]
    pub(crate) binary: PathBuf,
    /// The event, e.g. config-changed, tracing-relation-changed or backup-action.
    pub(crate) event: String,
    /// The directory with charmcraft.yaml, or metadata.yaml, config.yaml and actions.yaml.
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) charm: PathBuf,
    /// Make the unit the leader.
    #[arg(long)]
    pub(crate) leader: bool,
    /// Set an option of the configuration.
    #[arg(long, value_name = "OPTION=VALUE", value_parser = pair)]
    pub(crate) config: Vec<(String, String)>,
    /// Relate an endpoint of the charm, with the databags that the file has.
    #[arg(long, value_name = "ENDPOINT[=FILE]", value_parser = name_and_value)]
    pub(crate) relation: Vec<(String, Option<String>)>,
    /// Set a parameter of the action. The value is read as YAML, as `juju run` does; if the charm declares a string, it is the text itself. NAME may be a path into an object: a.b=5.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) action_param: Vec<(String, String)>,
    /// Set a variable of the charm's environment.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) env: Vec<(String, String)>,
    /// The name of the unit, e.g. my-charm/0.
    #[arg(long, value_name = "UNIT", value_parser = unit)]
    pub(crate) unit: Option<String>,
    /// The version of Juju to play, from 2.9 to 4.1.
    #[arg(long, value_name = "VERSION", value_parser = juju_version)]
    pub(crate) juju_version: Option<String>,
    /// Write a page of the trace to FILE as well.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  charm-traces doctor /var/lib/juju/agents/unit-app-0/charm
  charm-traces doctor --endpoint https://tempo:4318 --ca ca.crt")]
pub(crate) struct Doctor {
    /// The charm directory.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) charm_dir: PathBuf,
    /// The directory of the waiting traces, if the charm sets `buffer_path`.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) queue: Option<PathBuf>,
    /// The OTLP/HTTP endpoint to try instead of the one that the charm remembers.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

fn name_and_value(text: &str) -> Result<(String, Option<String>), String> {
    let (name, value) =
        text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
    if name.is_empty() { Err("it begins with =".to_owned()) } else { Ok((name.to_owned(), value)) }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = name_and_value(text)?;
    Ok((name, value.ok_or("there is no = in it")?))
}

fn unit(text: &str) -> Result<String, String> {
    let number =
        text.split_once('/').filter(|(app, _)| !app.is_empty()).map(|(_, number)| number.parse::<u32>());
    if matches!(number, Some(Ok(_))) {
        Ok(text.to_owned())
    } else {
        Err("it is not like my-charm/0".to_owned())
    }
}

fn juju_version(text: &str) -> Result<String, String> {
    let (major, minor) = text.split_once('.').unwrap_or((text, ""));
    let minor = minor.split('.').next().unwrap_or_default().parse::<u32>();
    let is_known = matches!((major, minor), ("2", Ok(9..)) | ("3" | "4", Ok(_)));
    if is_known { Ok(text.to_owned()) } else { Err("it is not from 2.9 to 4.1".to_owned()) }
}

/// Reads an address and its port. A name stands for the first of its addresses.
fn address(text: &str) -> Result<SocketAddr, String> {
    let mut addresses = text.to_socket_addrs().map_err(|error| error.to_string())?;
    addresses.next().ok_or_else(|| "the name has no address".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
