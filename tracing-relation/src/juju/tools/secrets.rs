use std::collections::BTreeMap;
use std::fmt;

use crate::juju::{Dispatch, HookToolCall, HookToolError};

/// The name of a secret in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretId<'a> {
    /// The secret's URI, such as `secret:9m4e2mr0ui3e8a215n4g`.
    Uri(&'a str),
    /// The label that the charm gave the secret.
    Label(&'a str),
    /// The secret's URI, and a label as its new name for the charm. A charm that does not own a secret can give it a label
    /// only when it reads it.
    UriWithNewLabel {
        /// The secret's URI.
        uri: &'a str,
        /// The new label.
        label: &'a str,
    },
}

/// The revision of a secret to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretRevision {
    /// The revision that was read before, so that the content stays the same until the charm refreshes it. The first read
    /// takes the latest revision.
    #[default]
    Tracked,
    /// The latest revision, only in this call (`--peek`).
    Peek,
    /// The latest revision, now and in later calls (`--refresh`).
    Refresh,
}

/// The content of a secret. Its `Debug` output shows the keys and no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretContent {
    values: BTreeMap<String, String>,
}

impl SecretContent {
    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Returns the keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Returns the values by key, in a map whose `Debug` output shows them.
    #[must_use]
    pub fn into_map(self) -> BTreeMap<String, String> {
        self.values
    }
}

impl fmt::Debug for SecretContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretContent").field("keys", &self.values.keys()).finish_non_exhaustive()
    }
}

/// The content of secrets.
impl Dispatch {
    /// Reads a secret (`secret-get`).
    ///
    /// Juju prints a value as JSON, which damages one that is not UTF-8. To read such a value, call the tool through
    /// [`hook_tools`](Self::hook_tools) with the argument `KEY#base64`.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # use std::sync::Arc;
    /// # use tracing_relation::juju::{Dispatch, testing::Model};
    /// # let juju = Model::new("app/0");
    /// # let uri = juju.add_secret(&[("password", "hunter2")]);
    /// # let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju));
    /// use tracing_relation::juju::{SecretId, SecretRevision};
    ///
    /// let content = dispatch.secret_get(SecretId::Uri(&uri), SecretRevision::Tracked)?;
    /// assert_eq!(content.get("password"), Some("hunter2"));
    /// assert!(!format!("{content:?}").contains("hunter2"));
    /// # }
    /// # Ok::<(), tracing_relation::juju::HookToolError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::juju::HookToolErrorKind::NotFound) if there is no such secret,
    /// [`PermissionDenied`](crate::juju::HookToolErrorKind::PermissionDenied) if it was not granted to the application, or
    /// another failure of the tool. No error shows content.
    pub fn secret_get(
        &self,
        id: SecretId<'_>,
        revision: SecretRevision,
    ) -> Result<SecretContent, HookToolError> {
        let call = HookToolCall::new("secret-get").arg("--format=json");
        let call = match revision {
            SecretRevision::Tracked => call,
            SecretRevision::Peek => call.arg("--peek"),
            SecretRevision::Refresh => call.arg("--refresh"),
        };
        let call = match id {
            SecretId::Uri(uri) => call.arg("--").arg(uri),
            SecretId::Label(label) => call.arg(format!("--label={label}")),
            SecretId::UriWithNewLabel { uri, label } => {
                call.arg(format!("--label={label}")).arg("--").arg(uri)
            }
        };
        Ok(SecretContent { values: self.read(&call)? })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::juju::HookToolErrorKind;
    use crate::juju::tools::testing::{lines, unit};

    #[test]
    fn a_secret_is_read_by_uri_and_by_label() {
        let (juju, dispatch) = unit();
        let uri = juju.add_secret(&[("password", "hunter2")]);
        let read = |id| {
            let content = dispatch.secret_get(id, SecretRevision::Tracked).expect("granted");
            content.get("password").map(str::to_owned)
        };
        assert_eq!(read(SecretId::Uri(&uri)).as_deref(), Some("hunter2"));
        assert_eq!(read(SecretId::UriWithNewLabel { uri: &uri, label: "-db" }).as_deref(), Some("hunter2"));
        assert_eq!(read(SecretId::Label("-db")).as_deref(), Some("hunter2"));
        assert_eq!(
            lines(&juju),
            [
                format!("secret-get|--format=json|--|{uri}"),
                format!("secret-get|--format=json|--label=-db|--|{uri}"),
                "secret-get|--format=json|--label=-db".to_owned(),
            ]
        );
    }

    #[test]
    fn a_revision_is_tracked_until_it_is_refreshed() {
        let (juju, dispatch) = unit();
        let uri = juju.add_secret(&[("token", "1")]);
        let read = |revision| {
            let content = dispatch.secret_get(SecretId::Uri(&uri), revision).expect("granted");
            content.into_map().remove("token").expect("there")
        };
        assert_eq!(read(SecretRevision::Tracked), "1");
        juju.update_secret(&uri, &[("token", "2")]);
        let revisions = [
            SecretRevision::Tracked,
            SecretRevision::Peek,
            SecretRevision::Tracked,
            SecretRevision::Refresh,
            SecretRevision::Tracked,
        ];
        assert_eq!(revisions.map(read), ["1", "2", "1", "2", "2"]);
        let lines = lines(&juju);
        assert_eq!(lines[2], format!("secret-get|--format=json|--peek|--|{uri}"));
        assert_eq!(lines[4], format!("secret-get|--format=json|--refresh|--|{uri}"));
    }

    #[test]
    fn a_secret_that_is_missing_or_refused_is_told_apart() {
        let (juju, dispatch) = unit();
        let uri = juju.add_secret(&[("password", "hunter2")]);
        let kind = |id| dispatch.secret_get(id, SecretRevision::Peek).map_err(|error| error.kind());
        assert_eq!(kind(SecretId::Label("db")), Err(HookToolErrorKind::NotFound));
        assert_eq!(kind(SecretId::Uri("secret:9m4e2mr0ui3e8a215n4g")), Err(HookToolErrorKind::NotFound));
        assert_eq!(kind(SecretId::Uri("--refresh")), Err(HookToolErrorKind::Usage));
        juju.revoke_secret(&uri);
        assert_eq!(kind(SecretId::Uri(&uri)), Err(HookToolErrorKind::PermissionDenied));
    }

    #[test]
    fn content_is_never_shown() {
        let (juju, dispatch) = unit();
        let uri = juju.add_secret(&[("password", "hunter2")]);
        let content = dispatch.secret_get(SecretId::Uri(&uri), SecretRevision::Tracked).expect("granted");
        assert_eq!(format!("{content:?}"), "SecretContent { keys: [\"password\"], .. }");
        assert_eq!(content.keys().collect::<Vec<_>>(), ["password"]);
        for odd in ["\"hunter2\"", "{\"password\": [\"hunter2\"]}", "hunter2"] {
            juju.answer_next("secret-get", odd);
            let read = dispatch.secret_get(SecretId::Uri(&uri), SecretRevision::Tracked);
            let error = read.expect_err("no map of text");
            assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
            let shown = format!("{error} {error:?} {}", error.source().expect("a cause"));
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        juju.fail_next("secret-get", 1, "ERROR cannot decode hunter2\n");
        let read = dispatch.secret_get(SecretId::Uri(&uri), SecretRevision::Tracked);
        let error = read.expect_err("it fails");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}
