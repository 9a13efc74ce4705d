use tracing_relation::juju::testing::Model;

/// A secret that the charm can read, made with [`Juju::add_secret`](crate::Juju::add_secret).
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

    /// Adds a revision. The charm reads it after `--refresh`; tell it with
    /// [`Event::secret_changed`](crate::Event::secret_changed).
    ///
    /// # Panics
    /// If the secret has been removed.
    pub fn add_revision(&self, content: &[(&str, &str)]) {
        self.model.update_secret(&self.uri, content);
    }

    /// Revokes the access: `secret-get` then answers `permission denied`.
    ///
    /// # Panics
    /// If the secret has been removed.
    pub fn revoke(&self) {
        self.model.revoke_secret(&self.uri);
    }

    /// Grants the access again.
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

    /// Returns the label that Juju tells in the secret's events; empty if the charm has given none.
    pub(super) fn label(&self) -> String {
        self.model.secret_label(&self.uri).unwrap_or_default()
    }
}
