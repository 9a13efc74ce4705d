//! A charm with a `main` of its own and a `Session` in it, configured while it runs, and a report of the delivery on
//! standard output.
#![expect(clippy::print_stdout, reason = "the report is what tests look at")]

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use charm_tracing::juju::Dispatch;
use charm_tracing::{Certificate, ClientCertificate, Config, Destination, Pem, Session, trace_fn};

fn main() -> ExitCode {
    let dispatch = Dispatch::from_env();
    let mut config = Config::new().charm_type("SessionCharm");
    if let Some(path) = dispatch.var("TRACE_BUFFER") {
        config = config.buffer_path(path);
    }
    if let Some(events) = dispatch.var("TRACE_BUFFER_EVENTS").and_then(|events| events.parse().ok()) {
        config = config.buffer_max_events(events);
    }
    if let Some(mib) = dispatch.var("TRACE_BUFFER_MIB").and_then(|mib| mib.parse().ok()) {
        config = config.buffer_max_size_mib(mib);
    }
    if let Some(bytes) = dispatch.var("TRACE_BYTES").and_then(|bytes| bytes.parse().ok()) {
        config = config.max_bytes_per_trace(bytes);
    }
    if let Some(seconds) = dispatch.var("TRACE_SECONDS").and_then(|seconds| seconds.parse().ok()) {
        let patience = Duration::from_secs(seconds);
        config = config.request_timeout(patience).delivery_timeout(patience);
    }
    if let Some(endpoint) = dispatch.var("TRACE_CA_RELATION") {
        config = config.ca_relation(endpoint);
    }
    let destination = dispatch.var("TRACE_ENDPOINT").map(|endpoint| {
        let file = |name| Some(Pem::File(dispatch.var(name)?.into()));
        let ca = dispatch.var("TRACE_CA").map(|path| Certificate::File(path.into()));
        let own = file("TRACE_CLIENT_CERTIFICATE").zip(file("TRACE_CLIENT_KEY"));
        let destination = Destination::new(endpoint, ca);
        match own {
            Some((chain, key)) => destination.client_certificate(ClientCertificate::new(chain, key)),
            None => destination,
        }
    });

    let report_losses = dispatch.var("TRACE_LOSSES").is_some();
    let report_threads = dispatch.var("TRACE_THREADS").is_some();
    let calls: Option<u32> = dispatch.var("TRACE_CALLS").and_then(|calls| calls.parse().ok());
    let mut session = Session::start(dispatch, config);
    let outcome = match session.dispatch().event() {
        "stop" => session.try_event(|| greet("")),
        "remove" => session.event(|| panic!("nothing is left to remove")),
        _ => session.event(|| (0..calls.unwrap_or(1)).try_for_each(|_| greet("world"))),
    };
    let report = session.finish(destination);
    println!("delivered {}", report.delivered);
    println!("waiting {}", report.waiting);
    println!("buffered {}", report.buffered);
    println!("lost {}", report.lost);
    if calls.is_some() {
        println!("dropped spans {}", report.dropped_spans);
        println!("peak memory {} KiB", peak_memory().expect("Linux tells"));
    }
    if report_losses {
        println!("dropped {}", report.dropped_by_limits);
        println!("refused {}", report.refused);
        println!("peak memory {} KiB", peak_memory().expect("Linux tells"));
    }
    if report_threads {
        println!("threads {}", fs::read_dir("/proc/self/task").map_or(0, Iterator::count));
    }
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix(" kB")?.parse().ok()
}

#[trace_fn]
fn greet(name: &str) -> Result<(), &'static str> {
    if name.is_empty() { Err("nobody is there") } else { Ok(()) }
}
