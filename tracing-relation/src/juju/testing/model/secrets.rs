//! The secrets that a unit can read.

use std::collections::BTreeMap;

use super::Model;
use crate::juju::testing::secret::{self, Owned, Secret};

impl Model {
    /// Adds a secret of another application that is granted to the unit's application. Returns its URI.
    #[must_use = "the URI is how the secret is named later"]
    pub fn add_secret(&self, content: &[(&str, &str)]) -> String {
        self.new_secret(Secret::new(None, secret::of_pairs(content)))
    }

    /// Adds a secret that the unit's application owns and has given a label. Returns its URI.
    #[must_use = "the URI is how the secret is named later"]
    pub fn add_own_secret(&self, label: &str, content: &[(&str, &str)]) -> String {
        let owned = Owned { label: label.to_owned(), rotation: Some("never".to_owned()), ..Owned::default() };
        self.new_secret(Secret::new(Some(owned), secret::of_pairs(content)))
    }

    /// Adds a revision to a secret.
    ///
    /// # Panics
    ///
    /// There is no such secret.
    pub fn update_secret(&self, uri: &str, content: &[(&str, &str)]) {
        self.change_secret(uri, |secret| secret.revisions.push(Some(secret::of_pairs(content))));
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
        let own = secret.owned.as_ref().map(|owned| owned.label.clone()).filter(|label| !label.is_empty());
        secret.label.clone().or(own)
    }

    /// Returns the URIs of the secrets that the unit or its application owns, in the order in which they were added.
    #[must_use]
    pub fn own_secrets(&self) -> Vec<String> {
        self.state().own_secrets().map(|(id, _)| format!("secret:{id}")).collect()
    }

    /// Returns the content of a secret's latest revision, if there is such a secret.
    #[must_use]
    pub fn secret_content(&self, uri: &str) -> Option<BTreeMap<String, String>> {
        self.state().secrets.get(secret::id_in(uri)?)?.revisions.last()?.clone()
    }

    /// Returns true if the charm has granted an own secret over a relation.
    #[must_use]
    pub fn is_secret_granted(&self, uri: &str, relation: u32) -> bool {
        let state = self.state();
        let secret = secret::id_in(uri).and_then(|id| state.secrets.get(id));
        let owned = secret.and_then(|secret| secret.owned.as_ref());
        owned.is_some_and(|owned| owned.granted_over.contains(&relation))
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
        let id = self.state().add_secret(secret);
        format!("secret:{id}")
    }

    fn change_secret(&self, uri: &str, change: impl FnOnce(&mut Secret)) {
        let mut state = self.state();
        let secret = secret::id_in(uri).and_then(|id| state.secrets.get_mut(id));
        change(secret.expect("the secret exists"));
    }
}
