//! The secrets that a unit can read.

use super::Model;
use crate::juju::testing::secret::{self, Secret};

impl Model {
    /// Adds a secret of another application that is granted to the unit's application. Returns its URI.
    #[must_use = "the URI is how the secret is named later"]
    pub fn add_secret(&self, content: &[(&str, &str)]) -> String {
        self.new_secret(Secret::new(None, content))
    }

    /// Adds a secret that the unit's application owns and has given a label. Returns its URI.
    #[must_use = "the URI is how the secret is named later"]
    pub fn add_own_secret(&self, label: &str, content: &[(&str, &str)]) -> String {
        self.new_secret(Secret::new(Some(label), content))
    }

    /// Adds a revision to a secret.
    ///
    /// # Panics
    ///
    /// There is no such secret.
    pub fn update_secret(&self, uri: &str, content: &[(&str, &str)]) {
        self.change_secret(uri, |secret| secret.revisions.push(secret::of_pairs(content)));
    }

    /// Grants the unit access to a secret again.
    ///
    /// # Panics
    ///
    /// There is no such secret.
    pub fn grant_secret(&self, uri: &str) {
        self.change_secret(uri, |secret| secret.granted = true);
    }

    /// Returns the label that the unit or its application has given a secret, if there is one.
    #[must_use]
    pub fn secret_label(&self, uri: &str) -> Option<String> {
        let state = self.state();
        let secret = state.secrets.get(secret::id_in(uri)?)?;
        secret.label.clone().or_else(|| secret.own_label.clone())
    }

    /// Revokes the unit's access to a secret: `secret-get` then answers `permission denied`.
    ///
    /// # Panics
    ///
    /// There is no such secret.
    pub fn revoke_secret(&self, uri: &str) {
        self.change_secret(uri, |secret| secret.granted = false);
    }

    /// Removes a secret, if there is one.
    pub fn remove_secret(&self, uri: &str) {
        if let Some(id) = secret::id_in(uri) {
            self.state().secrets.remove(id);
        }
    }

    fn new_secret(&self, secret: Secret) -> String {
        let mut state = self.state();
        let id = format!("9m4e2mr0ui3e8a2{:05}", state.secrets.len());
        state.secrets.insert(id.clone(), secret);
        format!("secret:{id}")
    }

    fn change_secret(&self, uri: &str, change: impl FnOnce(&mut Secret)) {
        let mut state = self.state();
        let secret = secret::id_in(uri).and_then(|id| state.secrets.get_mut(id));
        change(secret.expect("the secret exists"));
    }
}
