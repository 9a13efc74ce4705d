use std::collections::BTreeMap;

use serde::Deserialize;

use super::SecretId;
use crate::juju::reads::invalid;
use crate::juju::{Dispatch, HookToolCall, HookToolError};

open_enum! {
    /// The owner of a secret, which may change it and grant it to others.
    SecretOwner {
        /// All units of the application may read it, and its leader may change it.
        Application = "application",
        /// Only the unit may read and change it.
        Unit = "unit",
        /// An operator of the model.
        Model = "model",
    }
}

open_enum! {
    /// The interval at which Juju asks the charm to rotate a secret.
    SecretRotation {
        /// Juju does not ask for it.
        Never = "never",
        /// Once an hour.
        Hourly = "hourly",
        /// Once a day.
        Daily = "daily",
        /// Once a week.
        Weekly = "weekly",
        /// Once a month.
        Monthly = "monthly",
        /// Once in three months.
        Quarterly = "quarterly",
        /// Once a year.
        Yearly = "yearly",
    }
}

/// The description of a secret that the unit or its application owns. It has no content.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SecretInfo {
    /// The id, without `secret:` before it.
    #[serde(skip)]
    pub id: String,
    /// The number of the latest revision. The first one is 1.
    pub revision: u32,
    /// The label that its owner gave it; `None` if it has none.
    pub label: Option<String>,
    /// Its owner.
    pub owner: SecretOwner,
    /// The description that its owner gave it.
    pub description: Option<String>,
    /// The interval at which Juju asks the charm to rotate it; `None` if Juju prints nothing about it.
    pub rotation: Option<SecretRotation>,
    /// When the latest revision expires, as RFC 3339 has it, such as `2026-03-01T00:00:00Z`.
    pub expiry: Option<String>,
    /// When Juju will ask for the next rotation, as RFC 3339 has it.
    pub rotates: Option<String>,
    /// The applications and units that it is granted to.
    #[serde(default)]
    pub access: Vec<SecretAccess>,
}

impl SecretInfo {
    /// Returns the URI by which other charms read the secret: the charm passes it on in a databag.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("secret:{}", self.id)
    }
}

/// An application or unit that a secret is granted to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SecretAccess {
    /// Juju's tag of the application or unit, such as `application-gitlab`.
    pub target: String,
    /// Juju's tag of the relation for which it is granted, such as `relation-gitlab.db#app.db`.
    pub scope: String,
    /// The right that is granted: `view`.
    pub role: String,
}

/// The description of secrets.
impl Dispatch {
    /// Reads the description of a secret that the unit or its application owns (`secret-info-get`).
    ///
    /// Only the URI of [`SecretId::UriWithNewLabel`] counts, because this tool gives no labels.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::juju::HookToolErrorKind::NotFound) if the unit or its application owns no such secret, or
    /// another failure of the tool.
    pub fn secret_info_get(&self, id: SecretId<'_>) -> Result<SecretInfo, HookToolError> {
        let call = HookToolCall::new("secret-info-get").arg("--format=json");
        let call = match id {
            SecretId::Uri(uri) | SecretId::UriWithNewLabel { uri, .. } => call.arg("--").arg(uri),
            SecretId::Label(label) => call.arg(format!("--label={label}")),
        };
        let by_id: BTreeMap<String, SecretInfo> = self.read(&call)?;
        let Some((id, info)) = by_id.into_iter().next() else {
            return Err(invalid(&call, "expected the description of a secret"));
        };
        // Juju prints an empty label if there is none.
        Ok(SecretInfo { id, label: info.label.filter(|label| !label.is_empty()), ..info })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::juju::HookToolErrorKind;
    use crate::juju::tools::testing::{lines, unit};

    #[test]
    fn an_own_secret_is_described() {
        let (juju, dispatch) = unit();
        let uri = juju.add_own_secret("-db", &[("password", "hunter2")]);
        juju.update_secret(&uri, &[("password", "hunter3")]);
        let info = dispatch.secret_info_get(SecretId::Label("-db")).expect("owned");
        assert_eq!((info.uri(), info.revision, info.label.as_deref()), (uri.clone(), 2, Some("-db")));
        assert_eq!((&info.owner, &info.rotation), (&SecretOwner::Application, &Some(SecretRotation::Never)));
        assert_eq!(dispatch.secret_info_get(SecretId::Uri(&uri)).expect("owned"), info);
        let with_label = SecretId::UriWithNewLabel { uri: &uri, label: "other" };
        assert_eq!(dispatch.secret_info_get(with_label).expect("owned"), info);
        let by_uri = format!("secret-info-get|--format=json|--|{uri}");
        assert_eq!(lines(&juju), ["secret-info-get|--format=json|--label=-db", &by_uri, &by_uri]);
    }

    #[test]
    fn all_that_juju_prints_is_read_and_words_of_a_later_juju_are_kept() {
        let (juju, dispatch) = unit();
        juju.answer_next(
            "secret-info-get",
            r#"{"9m4e2mr0ui3e8a215n4g": {"revision": 666, "label": "", "owner": "cloud", "description": "d",
                "rotation": "fortnightly", "expiry": "2026-03-01T00:00:00Z", "rotates": "2026-02-01T00:00:00Z",
                "access": [{"target": "application-gitlab", "scope": "relation-key", "role": "view"}], "new": 1}}"#,
        );
        let info = dispatch.secret_info_get(SecretId::Label("x")).expect("readable");
        let access = SecretAccess {
            target: "application-gitlab".into(),
            scope: "relation-key".into(),
            role: "view".into(),
        };
        assert_eq!(
            info,
            SecretInfo {
                id: "9m4e2mr0ui3e8a215n4g".into(),
                revision: 666,
                label: None,
                owner: SecretOwner::Other("cloud".into()),
                description: Some("d".into()),
                rotation: Some(SecretRotation::Other("fortnightly".into())),
                expiry: Some("2026-03-01T00:00:00Z".into()),
                rotates: Some("2026-02-01T00:00:00Z".into()),
                access: vec![access],
            }
        );
    }

    #[test]
    fn a_secret_of_another_is_not_found() {
        let (juju, dispatch) = unit();
        let uri = juju.add_secret(&[("password", "hunter2")]);
        let error = dispatch.secret_info_get(SecretId::Uri(&uri)).expect_err("not owned");
        assert_eq!(error.kind(), HookToolErrorKind::NotFound);
        juju.answer_next("secret-info-get", "{}");
        let error = dispatch.secret_info_get(SecretId::Uri(&uri)).expect_err("nothing");
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
    }
}
