//! The buffer, and where it is to be, belong to somebody else or may not be written.
//!
//! Nothing is forbidden to root, so if these tests run as root, the trials are by a process that has given up what makes
//! root special.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use crate::document::assert_documented;
use crate::elsewhere;
use crate::fault::Fault;
use crate::trial::Trial;

const WITHOUT_CAPABILITIES: [&str; 3] = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];

const NOBODY: u32 = 65534;

const READ_ONLY: [&str; 2] = ["exit code 0", "the hook fails"];

#[test]
fn whatever_the_charm_may_do() {
    if !is_root() {
        return trials();
    }
    if let Err(why) = elsewhere::permits(&WITHOUT_CAPABILITIES) {
        elsewhere::not_run("nothing is forbidden to root", &why);
        return;
    }
    elsewhere::run(&WITHOUT_CAPABILITIES, "permissions::without_capabilities");
}

#[test]
#[ignore = "`whatever_the_charm_may_do` runs it without capabilities"]
fn without_capabilities() {
    assert!(elsewhere::is_here(), "nothing is forbidden to root");
    trials();
}

fn trials() {
    assert_documented(
        "What the charm may not do",
        &[
            offline("make files in the buffer's directory", |trial| mode(trial, "", 0o555))
                .loses(2)
                .peers(READ_ONLY[0], READ_ONLY[1]),
            forbidden("make files in the buffer's directory, and the backend is healthy", |trial| {
                mode(trial, "", 0o555);
            })
            .peers(READ_ONLY[0], READ_ONLY[1]),
            offline("look into the buffer's directory", |trial| mode(trial, "", 0)).loses(2),
            offline("write to the buffer, in which 3 traces wait", |trial| {
                trial.buffered(3);
                mode(trial, "buffer", 0o500);
            })
            .peers(READ_ONLY[0], READ_ONLY[1]),
            forbidden("write to the buffer, in which 3 traces wait, and the backend is healthy", |trial| {
                trial.buffered(3);
                mode(trial, "buffer", 0o500);
            })
            .peers(READ_ONLY[0], READ_ONLY[1]),
            offline("enter the buffer, in which 3 traces wait", |trial| {
                trial.buffered(3);
                mode(trial, "buffer", 0);
            }),
            forbidden("read one of 3 traces that wait, and the backend is healthy", |trial| {
                trial.buffered(3);
                fs::set_permissions(trace(trial), Permissions::from_mode(0o000)).unwrap();
            })
            .mended(|trial| fs::set_permissions(trace(trial), Permissions::from_mode(0o600)).unwrap()),
            forbidden("read `state`, and the backend is healthy", |trial| {
                trial.buffered(3);
                fs::write(trial.buffer.join("state"), "failures 0\n").unwrap();
                mode(trial, "buffer/state", 0);
            }),
        ],
    );
}

/// It takes root to give a file away.
#[test]
fn whosever_the_buffer_is() {
    let needs = || if is_root() { Ok(()) } else { Err("it takes root to give a file away".to_owned()) };
    assert_documented(
        "Another user's buffer",
        &[
            offline("3 traces wait in it", |trial| {
                trial.buffered(3);
                own(trial, NOBODY);
            })
            .loses(2)
            .mended(|trial| own(trial, 0))
            .needs(needs()),
            forbidden("3 traces wait in it, and the backend is healthy", |trial| {
                trial.buffered(3);
                own(trial, NOBODY);
            })
            .mended(|trial| own(trial, 0))
            .needs(needs()),
        ],
    );
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The first of the traces that wait.
fn trace(trial: &Trial) -> PathBuf {
    let names = fs::read_dir(&trial.buffer).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|is| is == "otlp" || is == "idle")).min().unwrap()
}

/// Two hooks of a charm that knows of no backend.
fn offline(name: &'static str, forbid: impl Fn(&mut Trial) + Send + Sync + 'static) -> Fault {
    forbidden(name, forbid).offline()
}

/// Two hooks of a charm with a healthy backend.
fn forbidden(name: &'static str, forbid: impl Fn(&mut Trial) + Send + Sync + 'static) -> Fault {
    Fault::new(name, move |trial| {
        let directory = trial.path("directory");
        fs::create_dir(&directory).unwrap();
        trial.keep_in(directory.join("buffer"));
        forbid(trial);
        trial.hooks(2);
    })
    .mended(|trial| {
        mode(trial, "", 0o755);
        if trial.buffer.exists() {
            mode(trial, "buffer", 0o700);
        }
    })
}

fn mode(trial: &Trial, name: &str, mode: u32) {
    fs::set_permissions(trial.path("directory").join(name), Permissions::from_mode(mode)).unwrap();
}

fn own(trial: &Trial, user: u32) {
    chown(&trial.buffer, Some(user), None).unwrap();
}
