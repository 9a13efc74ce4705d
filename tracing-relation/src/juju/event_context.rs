//! The details of an event, read from its variables.

use super::environment::{malformed, number};
use super::{Dispatch, EnvironmentError};

/// The relation that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelationContext {
    /// The name of the endpoint in the charm's metadata.
    pub endpoint: String,
    /// The id of the relation: the number in `tracing:3`.
    pub id: u32,
    /// The application at the other end.
    pub remote_app: Option<String>,
    /// The unit at the other end; `None` in `relation-created`, `relation-broken`, and a `relation-changed` of the
    /// application.
    pub remote_unit: Option<String>,
    /// The unit that departs, which may be this one; `None` except in `relation-departed`.
    pub departing_unit: Option<String>,
}

/// The storage that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageContext {
    /// The id of the storage, such as `data/0`.
    pub id: String,
    /// The name of the storage in the charm's metadata.
    pub name: String,
    /// The path where it is mounted, or its device.
    pub location: Option<String>,
    /// `filesystem` or `block`.
    pub kind: Option<String>,
}

/// The secret that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretContext {
    /// The id of the secret.
    pub id: String,
    /// The label the charm gave it.
    pub label: Option<String>,
    /// The revision; `None` if the event is not about a certain revision (`secret-expired` and `secret-remove` are).
    pub revision: Option<u64>,
}

/// The workload container that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkloadContext {
    /// The name of the container.
    pub name: String,
    /// The notice; `None` except in `pebble-custom-notice`.
    pub notice: Option<NoticeContext>,
    /// The name of the check; `None` except in `pebble-check-failed` and `pebble-check-recovered`.
    pub check: Option<String>,
}

/// A notice of Pebble.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoticeContext {
    /// The id of the notice.
    pub id: String,
    /// Its type, `custom`.
    pub kind: Option<String>,
    /// Its key, which the workload chose.
    pub key: Option<String>,
}

/// The action that this dispatch runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActionContext {
    /// The name of the action, with hyphens.
    pub name: String,
    /// The id of the action's task.
    pub uuid: Option<String>,
    /// Juju's tag of the task.
    pub tag: Option<String>,
}

/// The details of the event.
impl Dispatch {
    /// Returns the relation of the event; `None` if the event has none.
    ///
    /// # Errors
    ///
    /// `JUJU_RELATION_ID` is malformed, or is missing beside `JUJU_RELATION`.
    pub fn relation(&self) -> Result<Option<RelationContext>, EnvironmentError> {
        let name = self.optional("JUJU_RELATION")?;
        let Some(full_id) = self.optional("JUJU_RELATION_ID")? else {
            return match name {
                None => Ok(None),
                Some(_) => Err(EnvironmentError::Missing { variable: "JUJU_RELATION_ID".to_owned() }),
            };
        };
        let expected = "an endpoint and a number, such as tracing:3";
        let refuse = || malformed("JUJU_RELATION_ID", full_id, expected);
        let (endpoint, id) = full_id.rsplit_once(':').ok_or_else(refuse)?;
        let remote_unit = self.optional("JUJU_REMOTE_UNIT")?;
        let app_of_unit = remote_unit.and_then(|unit| unit.split_once('/')).map(|(app, _)| app);
        Ok(Some(RelationContext {
            endpoint: name.unwrap_or(endpoint).to_owned(),
            id: number(id).ok_or_else(refuse)?,
            remote_app: self.optional("JUJU_REMOTE_APP")?.or(app_of_unit).map(ToOwned::to_owned),
            remote_unit: remote_unit.map(ToOwned::to_owned),
            departing_unit: self.owned("JUJU_DEPARTING_UNIT")?,
        }))
    }

    /// Returns the storage of the event; `None` if the event has none.
    ///
    /// # Errors
    ///
    /// `JUJU_STORAGE_ID` is malformed.
    pub fn storage(&self) -> Result<Option<StorageContext>, EnvironmentError> {
        let Some(id) = self.owned("JUJU_STORAGE_ID")? else { return Ok(None) };
        let Some((name, _)) = id.split_once('/') else {
            return Err(malformed("JUJU_STORAGE_ID", &id, "a name and a number, such as data/0"));
        };
        Ok(Some(StorageContext {
            name: name.to_owned(),
            location: self.owned("JUJU_STORAGE_LOCATION")?,
            kind: self.owned("JUJU_STORAGE_KIND")?,
            id,
        }))
    }

    /// Returns the secret of the event; `None` if the event has none.
    ///
    /// # Errors
    ///
    /// `JUJU_SECRET_REVISION` is malformed.
    pub fn secret(&self) -> Result<Option<SecretContext>, EnvironmentError> {
        let Some(id) = self.owned("JUJU_SECRET_ID")? else { return Ok(None) };
        let revision = self.optional("JUJU_SECRET_REVISION")?;
        let revision_number =
            |text: &str| text.parse().map_err(|_| malformed("JUJU_SECRET_REVISION", text, "a number"));
        Ok(Some(SecretContext {
            id,
            label: self.owned("JUJU_SECRET_LABEL")?,
            revision: revision.map(revision_number).transpose()?,
        }))
    }

    /// Returns the workload container of the event; `None` if the event has none.
    ///
    /// # Errors
    ///
    /// A variable is not UTF-8.
    pub fn workload(&self) -> Result<Option<WorkloadContext>, EnvironmentError> {
        let Some(name) = self.owned("JUJU_WORKLOAD_NAME")? else { return Ok(None) };
        let notice = match self.owned("JUJU_NOTICE_ID")? {
            None => None,
            Some(id) => Some(NoticeContext {
                id,
                kind: self.owned("JUJU_NOTICE_TYPE")?,
                key: self.owned("JUJU_NOTICE_KEY")?,
            }),
        };
        Ok(Some(WorkloadContext { name, notice, check: self.owned("JUJU_PEBBLE_CHECK_NAME")? }))
    }

    /// Returns the action of this dispatch; `None` if it is not an action.
    ///
    /// # Errors
    ///
    /// A variable is not UTF-8.
    pub fn action(&self) -> Result<Option<ActionContext>, EnvironmentError> {
        let Some(name) = self.owned("JUJU_ACTION_NAME")? else { return Ok(None) };
        Ok(Some(ActionContext {
            name,
            uuid: self.owned("JUJU_ACTION_UUID")?,
            tag: self.owned("JUJU_ACTION_TAG")?,
        }))
    }

    /// Returns true if this dispatch runs an action.
    #[must_use]
    pub fn is_action(&self) -> bool {
        self.var("JUJU_ACTION_NAME").is_some()
    }

    fn owned(&self, name: &str) -> Result<Option<String>, EnvironmentError> {
        Ok(self.optional(name)?.map(ToOwned::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars<const N: usize>(vars: [(&str, &str); N]) -> Dispatch {
        Dispatch::from_vars(vars)
    }

    #[test]
    fn events_about_nothing_have_no_context() {
        let vars = vars([("JUJU_RELATION", ""), ("JUJU_RELATION_ID", ""), ("JUJU_SECRET_LABEL", "")]);
        assert_eq!(vars.relation(), Ok(None));
        assert_eq!(vars.storage(), Ok(None));
        assert_eq!(vars.secret(), Ok(None));
        assert_eq!(vars.workload(), Ok(None));
        assert_eq!(vars.action(), Ok(None));
    }

    #[test]
    fn relation_ids_carry_their_endpoint() {
        let created =
            vars([("JUJU_RELATION_ID", "tracing:3"), ("JUJU_REMOTE_APP", "tempo"), ("JUJU_REMOTE_UNIT", "")]);
        let expected = RelationContext {
            endpoint: "tracing".to_owned(),
            id: 3,
            remote_app: Some("tempo".to_owned()),
            remote_unit: None,
            departing_unit: None,
        };
        assert_eq!(created.relation(), Ok(Some(expected)));
    }

    #[test]
    fn the_remote_unit_names_its_application_where_juju_does_not() {
        let joined = vars([("JUJU_RELATION_ID", "tracing:3"), ("JUJU_REMOTE_UNIT", "tempo/0")]);
        let context = joined.relation().expect("valid").expect("a relation");
        assert_eq!(context.remote_app.as_deref(), Some("tempo"));
    }

    #[test]
    fn malformed_values_name_their_variable() {
        for id in ["tracing", "tracing:", "tracing:x", "tracing:-1", "tracing:+1", "99"] {
            let error = vars([("JUJU_RELATION_ID", id)]).relation().expect_err("malformed");
            let expected = "expected an endpoint and a number, such as tracing:3";
            assert_eq!(error.to_string(), format!("cannot read JUJU_RELATION_ID={id:?}: {expected}"));
        }
        let missing = vars([("JUJU_RELATION", "tracing")]).relation();
        assert_eq!(missing, Err(EnvironmentError::Missing { variable: "JUJU_RELATION_ID".to_owned() }));
        assert!(vars([("JUJU_STORAGE_ID", "data")]).storage().is_err());
        assert!(vars([("JUJU_SECRET_ID", "x"), ("JUJU_SECRET_REVISION", "new")]).secret().is_err());
    }

    #[test]
    fn storage_secrets_workloads_and_actions_are_read() {
        let read = vars([("JUJU_STORAGE_ID", "data/0"), ("JUJU_STORAGE_LOCATION", "/srv")]).storage();
        let read = read.expect("valid").expect("storage");
        assert_eq!((read.name.as_str(), read.location.as_deref(), read.kind), ("data", Some("/srv"), None));

        let read = vars([("JUJU_SECRET_ID", "secret:1"), ("JUJU_SECRET_REVISION", "7")]).secret();
        assert_eq!(read.expect("valid").expect("a secret").revision, Some(7));

        let notice =
            vars([("JUJU_WORKLOAD_NAME", "web"), ("JUJU_NOTICE_ID", "1"), ("JUJU_NOTICE_KEY", "a.b/c")]);
        let read = notice.workload().expect("valid").expect("a workload");
        assert_eq!(read.notice.and_then(|notice| notice.key).as_deref(), Some("a.b/c"));

        let read = vars([("JUJU_ACTION_NAME", "back-up")]).action().expect("valid").expect("an action");
        assert_eq!((read.name.as_str(), read.uuid), ("back-up", None));
    }
}
