use std::collections::BTreeMap;

use tracing_relation::juju::testing::Model;

use super::relation::Relation;

/// A secret that the charm can read: one that the test has added with [`Juju::add_secret`](crate::Juju::add_secret), or one of
/// the charm's own, from [`Juju::own_secrets`](crate::Juju::own_secrets).
#[derive(Debug, Clone)]
pub struct Secret {
    model: Model,
    uri: String,
}

impl Secret {
    pub(super) fn new(model: &Model, uri: String) -> Self {
        Self { model: model.clone(), uri }
    }

    /// Returns the URI that the charm reads the secret by, such as `secret:9m4e2mr0ui3e8a2f8q5g`. It is what a databag or
    /// an option of the type `secret` holds.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Returns the label that the charm has given the secret, if there is one.
    #[must_use]
    pub fn label(&self) -> Option<String> {
        self.model.secret_label(&self.uri)
    }

    /// Returns the content of the latest revision; empty if the secret has been removed.
    #[must_use]
    pub fn content(&self) -> BTreeMap<String, String> {
        self.model.secret_content(&self.uri).unwrap_or_default()
    }

    /// Returns true if the charm has granted its own secret over this relation.
    #[must_use]
    pub fn is_granted_over(&self, relation: &Relation) -> bool {
        self.model.is_secret_granted(&self.uri, relation.id())
    }

    /// Adds a revision. The charm reads it after `--refresh`; tell it with
    /// [`Event::secret_changed`](crate::Event::secret_changed).
    ///
    /// # Panics
    /// If the secret has been removed.
    pub fn add_revision(&self, content: &[(&str, &str)]) {
        self.model.update_secret(&self.uri, content);
    }

    /// Revokes the charm's access: `secret-get` then answers `permission denied`.
    ///
    /// # Panics
    /// If the secret has been removed.
    pub fn revoke(&self) {
        self.model.revoke_secret(&self.uri);
    }

    /// Grants the charm access again.
    ///
    /// # Panics
    /// If the secret has been removed.
    pub fn grant(&self) {
        self.model.grant_secret(&self.uri);
    }

    /// Removes the secret.
    pub fn remove(&self) {
        self.model.remove_secret(&self.uri);
    }
}
