use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::expectations::Expectations;
use super::kept::Kept;
use super::server::Collector;
use crate::arguments::Collect;
use crate::output::{BAD, GOOD, HEADING, painted, print};
use crate::program::Outcome;
use crate::show::counted;

/// The time between two looks at whether the end has come.
const TURN: Duration = Duration::from_millis(50);

/// Collects traces until a signal, the end of the time, or until everything that is expected came.
pub(crate) fn collect(arguments: &Collect) -> anyhow::Result<Outcome> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second signal ends the process at once.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    if let Some(directory) = &arguments.save {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let expectations = Expectations::new(arguments.fail_on.is_some(), &arguments.expect);
    let collector = Collector::start(arguments, Kept::new(arguments.keep), expectations)?;
    print(format_args!(
        "{} http://{}  send OTLP/HTTP here, and open it in a browser to see the traces\n",
        painted(HEADING, "listening on"),
        collector.address()
    ))?;
    let end = arguments.lasts.and_then(|lasts| Instant::now().checked_add(lasts));
    while !stop.load(Ordering::SeqCst)
        && end.is_none_or(|end| Instant::now() < end)
        && !collector.is_settled()
    {
        std::thread::sleep(TURN);
    }
    let (expectations, kept) = collector.stop();
    let faults = expectations.faults();
    let counts = format!("{}, {}", counted(kept.all_traces(), "trace"), counted(kept.all_spans(), "span"));
    let verdict = if faults.is_empty() { painted(GOOD, "ok") } else { painted(BAD, "not ok") };
    print(format_args!("{verdict}: {counts}\n"))?;
    for fault in &faults {
        print(format_args!("  {}\n", painted(BAD, fault)))?;
    }
    Ok(if faults.is_empty() { Outcome::Good } else { Outcome::Bad })
}
