//! An agent that does not answer, and a charm that cannot connect again.

use std::path::Path;
use std::{fs, io};

use charm_tracing::juju::{Dispatch, HookToolErrorKind};

use crate::{store_and_read, wait_until};

/// Runs `is-leader`, of which the answer is lost, and goes on.
pub(crate) fn lose_an_answer(dispatch: &Dispatch) {
    store_and_read(dispatch, "before");
    let error = dispatch.is_leader().expect_err("its answer is lost");
    println!("{:?}", error.kind());
    store_and_read(dispatch, "after");
}

/// Runs hook tools before and after the agent is restarted, for which it asks with the file `restart`. The answer is the file
/// `restarted`.
pub(crate) fn outlive(dispatch: &Dispatch) {
    store_and_read(dispatch, "before");
    fs::write("restart", "").expect("the charm directory");
    wait_until("the agent is restarted", || Path::new("restarted").exists());
    store_and_read(dispatch, "after");
}

/// Runs hook tools after this, as far as the user may do it.
pub(crate) fn after(dispatch: &Dispatch, change: fn() -> io::Result<()>) {
    store_and_read(dispatch, "before");
    match change() {
        Ok(()) => println!("changed"),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => println!("this user cannot"),
        Err(error) => panic!("{error}"),
    }
    store_and_read(dispatch, "after");
    let error = crate::fail(dispatch);
    assert_eq!(error.kind(), HookToolErrorKind::NotFound, "{error}");
}
