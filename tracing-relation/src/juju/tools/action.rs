use serde::de::DeserializeOwned;

use crate::juju::{Dispatch, HookToolCall, HookToolError, HookToolErrorKind};

/// The running action. Outside of an action Juju does not know these tools
/// ([`RestrictedContext`](HookToolErrorKind::RestrictedContext)).
impl Dispatch {
    /// Reads the action's parameters (`action-get`) as a type of the charm, such as a struct with a field for each
    /// parameter.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # use std::sync::Arc;
    /// # use tracing_relation::juju::{Dispatch, testing::{HookContext, Model}};
    /// # let juju = Model::new("app/0");
    /// # juju.begin_hook(HookContext::action(serde_json::json!({"path": "/backup"})));
    /// # let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju.clone()));
    /// #[derive(serde::Deserialize)]
    /// struct Backup {
    ///     path: String,
    ///     #[serde(default)]
    ///     compress: bool,
    /// }
    ///
    /// let Backup { path, compress } = dispatch.action_get()?;
    /// dispatch.action_log(&format!("writing {path}"))?;
    /// dispatch.action_set([("backup.path", path), ("backup.compressed", compress.to_string())])?;
    /// # assert_eq!(juju.action_outcome().results["backup.path"], "/backup");
    /// # }
    /// # Ok::<(), tracing_relation::juju::HookToolError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The tool fails, or the parameters do not fit the type ([`InvalidOutput`](HookToolErrorKind::InvalidOutput)).
    pub fn action_get<T: DeserializeOwned>(&self) -> Result<T, HookToolError> {
        self.read(&HookToolCall::new("action-get").arg("--format=json"))
    }

    /// Adds results to those that the action's user gets (`action-set`). Dots in a key nest: `size.bytes` is the key
    /// `bytes` in an object `size`.
    ///
    /// Between dots, a key consists of lower-case letters, digits and hyphens, and begins and ends with a letter or digit.
    /// Juju reserves `stdout`, `stdout-encoding`, `stderr` and `stderr-encoding`. Linux limits a key with its value to
    /// 131070 bytes.
    ///
    /// # Errors
    ///
    /// The tool fails. A key that is not allowed is refused ([`Usage`](HookToolErrorKind::Usage)), and none of the results
    /// is added.
    pub fn action_set<K: AsRef<str>, V: AsRef<str>>(
        &self,
        results: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), HookToolError> {
        let mut call = HookToolCall::new("action-set").arg("--");
        for (key, value) in results {
            let (key, value) = (key.as_ref(), value.as_ref());
            if key.contains('=') {
                // Juju would take the text after the sign as the value.
                let why = Some("the key of a result contains `=`".into());
                return Err(HookToolError::new(HookToolErrorKind::Usage, "action-set", why));
            }
            call = call.arg(format!("{key}={value}"));
        }
        if call.args().len() == 1 { Ok(()) } else { self.tell(&call) }
    }

    /// Marks the action as failed, with the reason in `message` (`action-fail`). The process continues, and may still set
    /// results and exit with code 0.
    ///
    /// # Errors
    ///
    /// The tool fails.
    pub fn action_fail(&self, message: &str) -> Result<(), HookToolError> {
        self.tell(&HookToolCall::new("action-fail").arg("--").arg(message))
    }

    /// Reports progress to the action's user while the action runs (`action-log`).
    ///
    /// # Errors
    ///
    /// The tool fails.
    pub fn action_log(&self, message: &str) -> Result<(), HookToolError> {
        self.tell(&HookToolCall::new("action-log").arg("--").arg(message))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::juju::tools::testing::{action, lines, unit};

    #[derive(Debug, Deserialize, PartialEq)]
    struct Parameters {
        to: BTreeMap<String, String>,
        keep: Option<u32>,
    }

    #[test]
    fn parameters_are_read_into_a_struct() {
        let (juju, dispatch) = action(json!({"to": {"path": "/x"}, "keep": 3}));
        let parameters: Parameters = dispatch.action_get().expect("they fit");
        assert_eq!(parameters.keep, Some(3));
        assert_eq!(parameters.to["path"], "/x");
        assert_eq!(lines(&juju), ["action-get|--format=json"]);

        let (_, dispatch) = action(json!({"to": {"path": ["hunter2"]}, "keep": "hunter2"}));
        let error = dispatch.action_get::<Parameters>().expect_err("they do not fit");
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        let (_, dispatch) = action(json!({}));
        assert_eq!(dispatch.action_get::<Value>().expect("any value fits"), json!({}));
    }

    #[test]
    fn results_failure_and_progress_reach_the_user() {
        let (juju, dispatch) = action(json!({}));
        dispatch.action_set([("size.bytes", "3"), ("note", "-a=b\n")]).expect("allowed");
        dispatch.action_set([("empty", "")]).expect("allowed");
        dispatch.action_set(BTreeMap::<String, String>::new()).expect("nothing to do");
        dispatch.action_log("--half way").expect("logged");
        dispatch.action_fail("--disk full").expect("marked");
        let outcome = juju.action_outcome();
        let results = outcome.results.iter().map(|(key, value)| (&**key, &**value));
        assert_eq!(results.collect::<Vec<_>>(), [("empty", ""), ("note", "-a=b\n"), ("size.bytes", "3")]);
        assert_eq!((outcome.failure, outcome.log), (Some("--disk full".into()), vec!["--half way".into()]));
        assert_eq!(
            lines(&juju),
            [
                "action-set|--|size.bytes=3|note=-a=b\n",
                "action-set|--|empty=",
                "action-log|--|--half way",
                "action-fail|--|--disk full",
            ]
        );
    }

    #[test]
    fn keys_that_are_not_allowed_are_refused_and_no_value_is_shown() {
        let (juju, dispatch) = action(json!({}));
        for key in ["stdout", "a.stderr", "Upper", "under_score", "", "a..b", "-dash", "a=b"] {
            let error = dispatch.action_set([("fine", "1"), (key, "hunter2")]).expect_err(key);
            assert_eq!(error.kind(), HookToolErrorKind::Usage, "{key}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        assert!(juju.action_outcome().results.is_empty());
    }

    #[test]
    fn there_are_no_such_tools_outside_of_an_action() {
        let (_, dispatch) = unit();
        let errors = [
            dispatch.action_get::<Value>().map(drop),
            dispatch.action_set([("a", "b")]),
            dispatch.action_fail("why"),
            dispatch.action_log("how"),
        ];
        for result in errors {
            assert_eq!(result.expect_err("no action").kind(), HookToolErrorKind::RestrictedContext);
        }
    }
}
