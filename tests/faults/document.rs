//! `docs/faults.md`: what is written in it by hand stays; the tables are the tests' business.

use std::env;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::elsewhere;
use crate::fault::{Fault, NoLine};

const HEAD: &str = "\
| fault | exit code | seconds more | Juju's log says | traces | delivered at once | kept | delivered afterwards | lost | twice | charm_tracing 9 | ops[tracing] 3.8.3 |
|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// Rows that are measured at a time: most of them wait for most of their time.
const AT_A_TIME: usize = 4;

/// Measures these rows, and compares them with the table below this heading.
pub(crate) fn assert_documented(heading: &str, faults: &[Fault]) {
    let found = found(heading);
    let line = |fault: &Fault| match fault.line() {
        Ok(line) => line,
        Err(NoLine::TooSlow(how)) => panic!("{how}"),
        Err(NoLine::NotRun(why)) => {
            // What is not measured here was measured where the document was written.
            elsewhere::not_run(fault.name, &why);
            let line = found.lines().find(|line| line.starts_with(&format!("| {} |", fault.name)));
            line.unwrap_or_else(|| panic!("{} was never measured: {why}", fault.name)).to_owned()
        }
    };
    // One that fails has said why; the others are to say so too.
    let lines = in_parallel(faults, |fault| catch_unwind(AssertUnwindSafe(|| line(fault))).ok());
    let failed: Vec<_> = faults.iter().zip(&lines).filter(|(_, line)| line.is_none()).collect();
    let failed: Vec<_> = failed.into_iter().map(|(fault, _)| fault.name).collect();
    assert!(failed.is_empty(), "these are not as they claim: {failed:#?}");
    let lines: Vec<_> = lines.into_iter().flatten().collect();
    let table = format!("{HEAD}{}\n", lines.join("\n"));
    if env::var_os("FAULTS").is_some_and(|wish| wish == "overwrite") {
        return write(heading, &table);
    }
    assert!(
        table == found,
        "`FAULTS=overwrite cargo test -p tests --test faults` writes this below `{heading}`:\n{table}\n\
         where there is:\n{found}"
    );
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md")
}

fn found(heading: &str) -> String {
    let text = fs::read_to_string(path()).unwrap();
    let (from, to) = table_in(&text, heading);
    text[from..to].to_owned()
}

/// Other tests write theirs at the same time.
fn write(heading: &str, table: &str) {
    let lock = File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    lock.lock().unwrap();
    let mut text = fs::read_to_string(path()).unwrap();
    let (from, to) = table_in(&text, heading);
    text.replace_range(from..to, table);
    fs::write(path(), text).unwrap();
}

/// Where the table below this heading is, or is to be: at the end of the section.
fn table_in(text: &str, heading: &str) -> (usize, usize) {
    let start = text.find(&format!("\n## {heading}\n"));
    let start = start.unwrap_or_else(|| panic!("docs/faults.md has no heading `{heading}`")) + 1;
    let end = text[start..].find("\n## ").map_or(text.len(), |length| start + length);
    let from = text[start..end].find("\n| ").map_or(end, |length| start + length + 1);
    (from, end)
}

/// All results in the order of the rows.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
