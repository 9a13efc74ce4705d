use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::juju::reads::invalid;
use crate::juju::{Dispatch, HookToolCall, HookToolError};

/// The time limit of a download, unless the dispatch has a shorter one.
const DOWNLOAD: Duration = Duration::from_secs(10 * 60);

/// The charm's resources and the version of its workload.
impl Dispatch {
    /// Returns the path of a resource's file (`resource-get`). Juju downloads the file first, unless the unit has its latest
    /// revision.
    ///
    /// A download may take ten minutes, independent of the limit for other tools. Only
    /// [`with_patience`](Self::with_patience) shortens it.
    ///
    /// # Errors
    ///
    /// The tool fails, for example because the charm has no such resource, or prints no path.
    pub fn resource_get(&self, name: &str) -> Result<PathBuf, HookToolError> {
        let call = HookToolCall::new("resource-get").arg("--").arg(name).timeout(DOWNLOAD);
        // The tool ends its output without a newline, but does not promise it.
        let mut path = self.run(&call)?.stdout;
        if path.last() == Some(&b'\n') {
            path.pop();
        }
        if path.is_empty() {
            Err(invalid(&call, "expected a path"))
        } else {
            Ok(OsString::from_vec(path).into())
        }
    }

    /// Sets the version of the workload that `juju status` shows (`application-version-set`).
    ///
    /// # Errors
    ///
    /// The tool fails.
    pub fn application_version_set(&self, version: &str) -> Result<(), HookToolError> {
        self.tell(&HookToolCall::new("application-version-set").arg("--").arg(version))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::juju::tools::testing::{lines, unit};
    use crate::juju::{HookToolErrorKind, HookToolOutput, HookTools};

    #[test]
    fn the_path_of_a_resource_is_exact() {
        let (juju, dispatch) = unit();
        juju.set_resource("-image", "/var/lib/a file ");
        assert_eq!(dispatch.resource_get("-image").expect("there"), Path::new("/var/lib/a file "));
        assert_eq!(lines(&juju), ["resource-get|--|-image"]);
        juju.answer_next("resource-get", "/with/a/newline\n");
        assert_eq!(dispatch.resource_get("-image").expect("there"), Path::new("/with/a/newline"));
        juju.answer_next("resource-get", "\n");
        let error = dispatch.resource_get("-image").expect_err("no path");
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
        let error = dispatch.resource_get("none").expect_err("no such resource");
        assert_eq!(error.kind(), HookToolErrorKind::Failed);
    }

    /// Hook tools that record the time limit of each call.
    #[derive(Debug, Default)]
    struct Timed(Mutex<Vec<Duration>>);

    impl HookTools for Timed {
        fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
            self.0.lock().expect("not poisoned").push(call.time_allowed(Duration::from_mins(1)));
            Ok(HookToolOutput { stdout: b"/x".to_vec(), stderr: Vec::new(), pid: None })
        }
    }

    #[test]
    fn a_download_may_take_long_unless_the_dispatch_has_less_patience() {
        let tools = Arc::new(Timed::default());
        let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(tools.clone());
        dispatch.resource_get("image").expect("there");
        dispatch.with_patience(Duration::from_secs(3)).resource_get("image").expect("there");
        assert_eq!(*tools.0.lock().expect("not poisoned"), [DOWNLOAD, Duration::from_secs(3)]);
    }

    #[test]
    fn the_workloads_version_is_set() {
        let (juju, dispatch) = unit();
        dispatch.application_version_set("-1.2").expect("set");
        assert_eq!(juju.workload_version().as_deref(), Some("-1.2"));
        assert_eq!(lines(&juju), ["application-version-set|--|-1.2"]);
        juju.fail_next("application-version-set", 1, "ERROR no\n");
        assert!(dispatch.application_version_set("1").is_err());
    }
}
