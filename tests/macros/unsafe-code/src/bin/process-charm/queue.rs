//! Acts that are in the way of a library which keeps files.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, io, thread};

use charm_tracing::trace_fn;

use crate::system;

/// The storage that `unmount` unmounts, in the charm directory.
const STORAGE: &str = "storage";

#[trace_fn]
pub(crate) fn step() {}

/// Makes so many traced calls, with a pause behind every tenth: the call after a pause writes the journal.
pub(crate) fn steps(count: usize) {
    for number in 1..=count {
        step();
        if number % 10 == 0 {
            thread::sleep(Duration::from_millis(2));
            step();
        }
    }
}

/// Does what has to be done before tracing begins.
pub(crate) fn prepare(act: &str) {
    if let Some(error) = env::var("LOCKS_FAIL").ok().and_then(|error| error.parse().ok()) {
        system::make_locks_fail(error);
    }
    match act {
        "unmount" => match system::enter_mount_namespace() {
            Ok(()) => {
                fs::create_dir(STORAGE).expect("the charm directory");
                system::mount_storage(STORAGE);
            }
            Err(error) => println!("this user cannot: {error}"),
        },
        "forbid-everything" => {
            if let Err(error) = system::become_nobody() {
                println!("it is no root: {error}");
            }
            system::set_umask(0o777);
        }
        _ => {}
    }
}

/// Blocks SIGTERM and waits for it, as a program does that ends in an orderly way.
pub(crate) fn wait_for_sigterm() {
    system::block_sigterm();
    steps(20);
    system::raise_sigterm();
    steps(20);
    assert!(system::wait_for_sigterm(), "another thread has taken the signal");
}

/// Enters namespaces, new ones and one that is there, which a process with several threads cannot.
pub(crate) fn change_namespaces() {
    steps(20);
    match system::enter_mount_namespace() {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => panic!("there is another thread"),
        Err(error) => println!("this user cannot: {error}"),
        Ok(()) => {
            let namespace = File::open("/proc/self/ns/mnt").expect("Linux");
            system::enter_namespace(&namespace).expect("there is no other thread");
            println!("changed");
        }
    }
    // Entering a mount namespace moves the process to its root directory.
    env::set_current_dir(env::var("JUJU_CHARM_DIR").expect("Juju sets it")).expect("it is there");
    steps(20);
}

/// Makes the directories in which the traces are to wait.
pub(crate) fn make_own_directories() {
    steps(20);
    fs::create_dir("state").expect("it is not there yet");
    let mode = |path: &str| fs::metadata(path).expect("it was made").permissions().mode();
    fs::create_dir("usual").expect("the charm directory");
    assert_eq!(mode("state"), mode("usual"));
    steps(20);
    fs::create_dir("state/of-the-charm").expect("it is our own");
}

/// Unmounts the storage on which the traces wait.
pub(crate) fn unmount() {
    steps(20);
    if !Path::new(STORAGE).exists() {
        return;
    }
    assert!(Path::new(STORAGE).join("buffer").exists(), "a journal is written there");
    system::unmount(STORAGE).expect("nothing in it is open");
    steps(20);
    assert_eq!(fs::read_dir(STORAGE).expect("the directory below").count(), 0);
}

/// Moves to another directory, from which a relative path leads elsewhere.
pub(crate) fn change_directory() {
    steps(20);
    fs::create_dir("elsewhere").expect("the charm directory");
    env::set_current_dir("elsewhere").expect("it was made");
    steps(20);
}

/// Moves to a root in which nothing of the charm is.
pub(crate) fn hide_in_another_root() {
    steps(20);
    match system::change_root() {
        Ok(()) => println!("changed"),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => println!("this user cannot"),
        Err(error) => panic!("{error}"),
    }
    steps(20);
}

/// Goes on in a child, and ends before it, as programs do that put themselves into the background.
pub(crate) fn daemonize() {
    steps(20);
    let (is_child, _) = system::is_child();
    if !is_child {
        system::end_now(0);
    }
    system::new_session();
    steps(20);
}
