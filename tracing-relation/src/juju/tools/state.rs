use std::collections::BTreeMap;

use crate::json;
use crate::juju::{Dispatch, HookToolCall, HookToolError, HookToolErrorKind};

/// Values that the controller stores for the unit, for as long as the unit exists. Changes become permanent when the hook
/// has succeeded; the hook that makes them reads them at once.
impl Dispatch {
    /// Reads all values that the unit has stored (`state-get`), by key.
    ///
    /// # Errors
    ///
    /// The tool fails, or prints something that is not a map of text.
    pub fn state_get(&self) -> Result<BTreeMap<String, String>, HookToolError> {
        // Juju 4 prints `null` if nothing is stored.
        let values: Option<_> = self.read(&HookToolCall::new("state-get").arg("--format=json"))?;
        Ok(values.unwrap_or_default())
    }

    /// Reads one value that the unit has stored (`state-get --strict KEY`); `None` if the key has no value.
    ///
    /// # Errors
    ///
    /// The tool fails, or prints something that is not a text.
    pub fn state_get_value(&self, key: &str) -> Result<Option<String>, HookToolError> {
        if ["", "-"].contains(&key) {
            // The tool would return all keys for these names.
            return Ok(self.state_get()?.remove(key));
        }
        let call = HookToolCall::new("state-get").arg("--format=json").arg("--strict").arg("--").arg(key);
        match self.read(&call) {
            Err(error) if error.kind() == HookToolErrorKind::NotFound => Ok(None),
            value => value.map(Some),
        }
    }

    /// Stores values for later hooks of the unit (`state-set`). Values of other keys stay.
    ///
    /// Juju limits a key to 256 bytes and a value to 64 KiB. An empty value is stored as well;
    /// [`state_delete`](Self::state_delete) removes a value.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # use std::sync::Arc;
    /// # use tracing_relation::juju::{Dispatch, testing::Model};
    /// # let juju = Model::new("app/0");
    /// # let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju));
    /// dispatch.state_set([("schema", "7")])?;
    /// assert_eq!(dispatch.state_get_value("schema")?.as_deref(), Some("7"));
    /// # }
    /// # Ok::<(), tracing_relation::juju::HookToolError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The tool fails.
    pub fn state_set<K: Into<String>, V: Into<String>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), HookToolError> {
        let values: BTreeMap<String, String> =
            values.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        if values.is_empty() {
            return Ok(());
        }
        self.tell(&HookToolCall::new("state-set").arg("--file=-").stdin(json::to_yaml(&values)))
    }

    /// Removes a value that the unit has stored (`state-delete`). Does nothing if there is none.
    ///
    /// # Errors
    ///
    /// The tool fails.
    pub fn state_delete(&self, key: &str) -> Result<(), HookToolError> {
        self.tell(&HookToolCall::new("state-delete").arg("--").arg(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::juju::testing::HookContext;
    use crate::juju::tools::testing::{lines, unit};

    #[test]
    fn values_of_any_text_and_length_are_stored_and_read() {
        let (juju, dispatch) = unit();
        let long = "x".repeat(200_000);
        let values = [("-dash", "0080"), ("odd", "\u{e9}\u{1f600}=\"x\"\n"), ("empty", ""), ("long", &long)];
        dispatch.state_set(values).expect("stored");
        dispatch.state_set(BTreeMap::<String, String>::new()).expect("nothing to do");
        for (key, value) in values {
            assert_eq!(dispatch.state_get_value(key).expect("an answer").as_deref(), Some(value));
        }
        assert_eq!(dispatch.state_get_value("none").expect("an answer"), None);
        assert_eq!(dispatch.state_get().expect("an answer").len(), 4);
        dispatch.state_delete("-dash").expect("deleted");
        dispatch.state_delete("-dash").expect("nothing to delete");
        assert_eq!(dispatch.state_get_value("-dash").expect("an answer"), None);
        let lines = lines(&juju);
        assert_eq!(lines[..2], ["state-set|--file=-", "state-get|--format=json|--strict|--|-dash"]);
        assert_eq!(lines[6..8], ["state-get|--format=json", "state-delete|--|-dash"]);
    }

    #[test]
    fn keys_that_mean_all_keys_are_looked_up_among_them() {
        let (juju, dispatch) = unit();
        dispatch.state_set([("-", "dash"), ("a", "b")]).expect("stored");
        assert_eq!(dispatch.state_get_value("-").expect("an answer").as_deref(), Some("dash"));
        assert_eq!(dispatch.state_get_value("").expect("an answer"), None);
        assert_eq!(lines(&juju)[1..], ["state-get|--format=json"; 2]);
    }

    #[test]
    fn nothing_stored_is_an_empty_map_in_every_version() {
        for version in ["3.6", "4.0"] {
            let (juju, dispatch) = unit();
            juju.set_juju_version(version);
            assert!(dispatch.state_get().expect("an answer").is_empty());
        }
    }

    #[test]
    fn failures_are_told_and_values_are_not_shown() {
        let (juju, dispatch) = unit();
        juju.fail_next("state-get", 1, "ERROR connection is shut down\n");
        let error = dispatch.state_get_value("a").expect_err("it fails");
        assert_eq!(error.kind(), HookToolErrorKind::Failed);
        juju.fail_next("state-set", 1, "ERROR value hunter2 is too long\n");
        let error = dispatch.state_set([("a", "hunter2")]).expect_err("it fails");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        juju.begin_hook(HookContext::restricted());
        let error = dispatch.state_delete("a").expect_err("not possible");
        assert_eq!(error.kind(), HookToolErrorKind::RestrictedContext);
    }
}
