//! The buffer on a small file system of its own, which is full or cannot be written to.
//!
//! The whole trial runs in a mount namespace of its own, so nothing of it is left, whatever happens.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use rustix::mount::{MountFlags, mount, mount_remount};

use crate::document::assert_documented;
use crate::elsewhere;
use crate::fault::Fault;
use crate::trial::Trial;

const NAMESPACE: [&str; 3] = ["unshare", "--map-root-user", "--mount"];

/// Where the buffer is, in the charm directory.
const DISK: &str = "disk";

const SIZE: &std::ffi::CStr = c"size=256k";

const READ_ONLY: [&str; 2] = ["exit code 0", "the hook fails"];
const FULL: [&str; 2] = ["exit code 0, the buffer is torn", "the hook fails"];

#[test]
fn whatever_the_file_system_is() {
    if let Err(why) = elsewhere::permits(&NAMESPACE) {
        elsewhere::not_run("file systems need a namespace to be mounted in", &why);
        return;
    }
    elsewhere::run(&NAMESPACE, "mounts::in_a_namespace");
}

#[test]
#[ignore = "`whatever_the_file_system_is` runs it in a namespace of its own"]
fn in_a_namespace() {
    assert!(elsewhere::is_here(), "it would mount file systems where everybody sees them");
    assert_documented(
        "The buffer's file system",
        &[
            offline("it is full from the beginning", |trial| fill(trial, 0)).loses(2).peers(FULL[0], FULL[1]),
            small("it is full from the beginning, and the backend is healthy", |trial| fill(trial, 0))
                .peers(FULL[0], FULL[1]),
            offline("it becomes full while a trace is written", |trial| fill(trial, 16))
                .peers(FULL[0], FULL[1]),
            small("it becomes full while a trace is written, and the backend is healthy", |trial| {
                fill(trial, 16);
            })
            .peers(FULL[0], FULL[1]),
            offline("it becomes full when 3 traces wait", |trial| {
                trial.buffered(3);
                fill(trial, 0);
            })
            .loses(2)
            .peers(FULL[0], FULL[1]),
            small("it becomes full when 3 traces wait, and the backend is healthy", |trial| {
                trial.buffered(3);
                fill(trial, 0);
            })
            .peers(FULL[0], FULL[1]),
            offline("it is read-only from the beginning", read_only)
                .loses(2)
                .peers(READ_ONLY[0], READ_ONLY[1]),
            small("it is read-only from the beginning, and the backend is healthy", read_only)
                .peers(READ_ONLY[0], READ_ONLY[1]),
            offline("it becomes read-only when 3 traces wait", |trial| {
                trial.buffered(3);
                read_only(trial);
            })
            .loses(2)
            .peers(READ_ONLY[0], READ_ONLY[1]),
            small("it becomes read-only when 3 traces wait, and the backend is healthy", |trial| {
                trial.buffered(3);
                read_only(trial);
            })
            .peers(READ_ONLY[0], READ_ONLY[1]),
        ],
    );
}

/// Two hooks of a charm that knows of no backend meet this.
fn offline(name: &'static str, happens: impl Fn(&mut Trial) + Send + Sync + 'static) -> Fault {
    small(name, happens).offline()
}

/// Two hooks of a charm with a healthy backend meet this.
fn small(name: &'static str, happens: impl Fn(&mut Trial) + Send + Sync + 'static) -> Fault {
    Fault::new(name, move |trial| {
        fs::create_dir(disk(trial)).unwrap();
        mount("tmpfs", disk(trial), "tmpfs", MountFlags::empty(), SIZE).unwrap();
        trial.keep_in(disk(trial).join("buffer"));
        // Some pages each, so that none fits into what is left of one.
        trial.variables.insert("TRACE_CALLS", "100".to_owned());
        happens(trial);
        trial.hooks(2);
    })
    .mended(|trial| {
        mount_remount(disk(trial), MountFlags::empty(), SIZE).unwrap();
        _ = fs::remove_file(disk(trial).join("ballast"));
    })
}

fn disk(trial: &Trial) -> PathBuf {
    trial.path(DISK)
}

/// Leaves so many KiB.
fn fill(trial: &mut Trial, left: u64) {
    let ballast = disk(trial).join("ballast");
    let mut file = File::create(&ballast).unwrap();
    let full = file.write_all(&vec![0; 1024 * 1024]).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    let length = file.metadata().unwrap().len();
    file.set_len(length - left * 1024).unwrap();
}

fn read_only(trial: &mut Trial) {
    mount_remount(disk(trial), MountFlags::RDONLY, SIZE).unwrap();
}
