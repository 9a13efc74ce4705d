//! A logger that holds a lock of its own while it formats what it writes, as most do.

use std::fmt;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Session, event};

static OWN: Mutex<()> = Mutex::new(());
static FORMATS: AtomicBool = AtomicBool::new(false);

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        let _held = OWN.lock().expect("nothing panics with it");
        let _ = record.args().to_string();
    }
    fn flush(&self) {}
}

/// A value that a charm logs, the formatting of which is traced.
struct Traced;

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FORMATS.store(true, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(300));
        event("formatting", || f.write_str("traced"))
    }
}

#[test]
#[ignore = "run by the test below, with a limit for files"]
fn logs_while_the_journal_cannot_be_written() {
    let Ok(directory) = std::env::var("LOGGER_TEST_DIRECTORY") else { return };
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let dispatch = Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
        ("JUJU_MODEL_NAME", "testing"),
        ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
        ("JUJU_CHARM_DIR", &directory),
    ]);
    let mut session = Session::start(dispatch, Config::new());
    session.event(|| {
        thread::scope(|scope| {
            scope.spawn(|| log::info!("{Traced}"));
            while !FORMATS.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            for _ in 0..60 {
                event(&"x".repeat(300), || thread::sleep(Duration::from_millis(3)));
            }
        });
    });
    session.finish(None);
}

#[test]
fn a_journal_that_cannot_be_written_does_not_stop_the_charm() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -f 8; exec \"$0\" --ignored --exact logger_of_a_charm::logs_while_the_journal_cannot_be_written"])
        .arg(std::env::current_exe().unwrap())
        .env("LOGGER_TEST_DIRECTORY", directory.path())
        // Not into a file, for which the limit would hold, too.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("two threads wait for each other");
}
