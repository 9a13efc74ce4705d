use std::collections::BTreeMap;

use serde::Deserialize;

use crate::juju::{Dispatch, HookToolCall, HookToolError};

open_enum! {
    /// The state of a unit's workload, or of an application.
    ///
    /// A charm may set the first four. Juju sets the others.
    StatusValue {
        /// The workload runs.
        Active = "active",
        /// An operator must do something before the workload can run.
        Blocked = "blocked",
        /// The charm works on the workload, which does not run yet.
        Maintenance = "maintenance",
        /// The workload depends on another application, which is not ready.
        Waiting = "waiting",
        /// A hook of the unit has failed.
        Error = "error",
        /// The workload is gone.
        Terminated = "terminated",
        /// The charm has not set a status yet.
        Unknown = "unknown",
    }
}

/// The status of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct UnitStatus {
    /// The state of the workload.
    #[serde(rename = "status")]
    pub value: StatusValue,
    /// The text that `juju status` shows beside it. Empty if there is none.
    #[serde(default)]
    pub message: String,
}

/// The status of an application and of its units.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ApplicationStatus {
    /// The state of the application.
    #[serde(rename = "status")]
    pub value: StatusValue,
    /// The text that `juju status` shows beside it. Empty if there is none.
    #[serde(default)]
    pub message: String,
    /// The status of each unit, by its name.
    #[serde(default)]
    pub units: BTreeMap<String, UnitStatus>,
}

/// The status of the unit and of its application. Juju shows what is set at once, even if the hook fails later.
impl Dispatch {
    /// Sets the unit's status (`status-set`).
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # use std::sync::Arc;
    /// # use tracing_relation::juju::{Dispatch, testing::Model};
    /// # let juju = Model::new("app/0");
    /// # let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju));
    /// use tracing_relation::juju::StatusValue;
    ///
    /// dispatch.status_set(&StatusValue::Blocked, "the option external-url names no host")?;
    /// assert_eq!(dispatch.status_get()?.value, StatusValue::Blocked);
    /// # }
    /// # Ok::<(), tracing_relation::juju::HookToolError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The tool fails. Juju refuses a value that only Juju sets
    /// ([`Usage`](crate::juju::HookToolErrorKind::Usage)).
    pub fn status_set(&self, value: &StatusValue, message: &str) -> Result<(), HookToolError> {
        self.tell(&set(HookToolCall::new("status-set"), value, message))
    }

    /// Sets the application's status (`status-set --application`), which only the leader may do.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](crate::juju::HookToolErrorKind::PermissionDenied) if the unit is not the leader, or another
    /// failure of the tool.
    pub fn application_status_set(&self, value: &StatusValue, message: &str) -> Result<(), HookToolError> {
        self.tell(&set(HookToolCall::new("status-set").arg("--application=true"), value, message))
    }

    /// Reads the unit's status (`status-get`).
    ///
    /// # Errors
    ///
    /// The tool fails, or prints something that is not a status.
    pub fn status_get(&self) -> Result<UnitStatus, HookToolError> {
        self.read(&get().arg("--application=false"))
    }

    /// Reads the status of the application and of all its units (`status-get --application`), which only the leader may
    /// do.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](crate::juju::HookToolErrorKind::PermissionDenied) if the unit is not the leader, or another
    /// failure of the tool.
    pub fn application_status_get(&self) -> Result<ApplicationStatus, HookToolError> {
        let answer: Answer = self.read(&get().arg("--application=true"))?;
        Ok(answer.application_status)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Answer {
    application_status: ApplicationStatus,
}

fn set(call: HookToolCall, value: &StatusValue, message: &str) -> HookToolCall {
    // A span of a hook tool shows the arguments before `--`: a known value, but never the message.
    match value {
        StatusValue::Other(word) => call.arg("--").arg(word).arg(message),
        known => call.arg(known.as_str()).arg("--").arg(message),
    }
}

fn get() -> HookToolCall {
    HookToolCall::new("status-get").arg("--include-data").arg("--format=json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::juju::HookToolErrorKind;
    use crate::juju::tools::testing::{lines, unit};

    #[test]
    fn the_units_status_is_set_and_read() {
        let (juju, dispatch) = unit();
        assert_eq!(dispatch.status_get().expect("an answer").value, StatusValue::Unknown);
        dispatch.status_set(&StatusValue::Waiting, "--for a database").expect("set");
        let status = dispatch.status_get().expect("an answer");
        assert_eq!(status, UnitStatus { value: StatusValue::Waiting, message: "--for a database".into() });
        let get = "status-get|--include-data|--format=json|--application=false";
        assert_eq!(lines(&juju), [get, "status-set|waiting|--|--for a database", get]);
    }

    #[test]
    fn the_applications_status_is_the_leaders() {
        let (juju, dispatch) = unit();
        let set = || dispatch.application_status_set(&StatusValue::Active, "");
        assert_eq!(set().expect_err("a follower").kind(), HookToolErrorKind::PermissionDenied);
        let error = dispatch.application_status_get().expect_err("a follower");
        assert_eq!(error.kind(), HookToolErrorKind::PermissionDenied);

        juju.set_leader(true);
        set().expect("the leader");
        dispatch.status_set(&StatusValue::Maintenance, "why").expect("set");
        juju.clear_calls();
        let status = dispatch.application_status_get().expect("the leader");
        assert_eq!((status.value, &*status.message), (StatusValue::Active, ""));
        let own = UnitStatus { value: StatusValue::Maintenance, message: "why".into() };
        assert_eq!(status.units, BTreeMap::from([("app/0".to_owned(), own)]));
        set().expect("the leader");
        assert_eq!(
            lines(&juju),
            [
                "status-get|--include-data|--format=json|--application=true",
                "status-set|--application=true|active|--|",
            ]
        );
    }

    #[test]
    fn words_of_another_juju_are_read_and_refused_by_this_one() {
        let (juju, dispatch) = unit();
        juju.answer_next("status-get", r#"{"status": "sleeping", "since": 3}"#);
        let status = dispatch.status_get().expect("it is read all the same");
        assert_eq!((status.value.as_str(), &*status.message), ("sleeping", ""));
        for refused in [StatusValue::Error, StatusValue::Other("--application".into())] {
            let error = dispatch.status_set(&refused, "").expect_err("refused");
            assert_eq!(error.kind(), HookToolErrorKind::Usage);
        }
        juju.answer_next("status-get", "null");
        let error = dispatch.status_get().expect_err("no status");
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
    }
}
