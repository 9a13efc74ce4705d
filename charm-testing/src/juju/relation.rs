use std::collections::BTreeMap;
use std::fmt;

use tracing_relation::juju::testing::Model;

/// A relation of the unit's application, made with [`Juju::relate`](crate::Juju::relate).
///
/// The test is the other side: it writes the remote databags, and reads the local ones, which the charm writes. No hook
/// runs by itself. Tell the charm of a change with [`Event::relation_changed`](crate::Event::relation_changed).
#[derive(Debug, Clone)]
pub struct Relation {
    model: Model,
    id: u32,
    endpoint: String,
    remote_app: String,
}

impl Relation {
    pub(super) fn new(model: &Model, endpoint: &str, remote_app: &str) -> Self {
        let id = model.add_relation(endpoint, remote_app, &[]);
        Self { model: model.clone(), id, endpoint: endpoint.to_owned(), remote_app: remote_app.to_owned() }
    }

    /// Returns the number of the relation: 3 for `tracing:3`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the name of the own application's endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the name of the remote application.
    #[must_use]
    pub fn remote_app(&self) -> &str {
        &self.remote_app
    }

    /// Returns the remote units, sorted by their names.
    #[must_use]
    pub fn remote_units(&self) -> Vec<String> {
        self.model.remote_units(self.id)
    }

    /// Adds a remote unit, such as `tempo/1`.
    ///
    /// # Panics
    /// If the relation has been removed.
    pub fn add_remote_unit(&self, unit: &str) {
        self.model.add_remote_unit(self.id, unit);
    }

    /// Removes a remote unit. Its databag can still be read by the charm, as in Juju.
    ///
    /// # Panics
    /// If the relation has been removed.
    pub fn remove_remote_unit(&self, unit: &str) {
        self.model.remove_remote_unit(self.id, unit);
    }

    /// Returns the remote application's databag.
    #[must_use]
    pub fn remote_app_data(&self) -> BTreeMap<String, String> {
        self.model.remote_app_data(self.id)
    }

    /// Writes a key of the remote application's databag. An empty value deletes the key.
    ///
    /// # Panics
    /// If the relation has been removed.
    pub fn set_remote_app_data(&self, key: &str, value: &str) {
        self.model.set_remote_app_data(self.id, key, value);
    }

    /// Returns the databag of a remote unit; empty if there is no such unit.
    #[must_use]
    pub fn remote_unit_data(&self, unit: &str) -> BTreeMap<String, String> {
        self.model.remote_unit_data(self.id, unit)
    }

    /// Writes a key of a remote unit's databag, and adds the unit if it is not there. An empty value deletes the key.
    ///
    /// # Panics
    /// If the relation has been removed.
    pub fn set_remote_unit_data(&self, unit: &str, key: &str, value: &str) {
        self.model.set_remote_unit_data(self.id, unit, key, value);
    }

    /// Returns the own application's databag, as the remote side sees it.
    #[must_use]
    pub fn local_app_data(&self) -> BTreeMap<String, String> {
        self.model.local_app_data(self.id)
    }

    /// Writes a key of the own application's databag, as if an earlier dispatch had done it. An empty value deletes the key.
    ///
    /// # Panics
    /// If the relation has been removed.
    pub fn set_local_app_data(&self, key: &str, value: &str) {
        self.model.set_local_app_data(self.id, key, value);
    }

    /// Returns the own unit's databag, as the remote side sees it.
    #[must_use]
    pub fn local_unit_data(&self) -> BTreeMap<String, String> {
        self.model.local_unit_data(self.id)
    }

    /// Writes a key of the own unit's databag, as if an earlier dispatch had done it. An empty value deletes the key.
    ///
    /// # Panics
    /// If the relation has been removed.
    pub fn set_local_unit_data(&self, key: &str, value: &str) {
        self.model.set_local_unit_data(self.id, key, value);
    }

    /// Lets the remote side of a `tracing` relation publish where it receives traces over OTLP/HTTP, in the words of
    /// Tempo's charm.
    ///
    /// # Panics
    /// If the relation has been removed.
    pub fn publish_endpoint(&self, endpoint: &str) {
        // Spelled out: what is tested must not be what writes the test's input.
        let receivers =
            format!(r#"[{{"protocol": {{"name": "otlp_http", "type": "http"}}, "url": "{endpoint}"}}]"#);
        self.set_remote_app_data("receivers", &receivers);
    }

    /// Removes the relation from the controller, but not from the unit's agent: it is still listed, and its databags are
    /// refused. That happens when a remote model goes away.
    pub fn sever(&self) {
        self.model.sever_relation(self.id);
    }

    /// Removes the relation without its hooks, as `juju remove-relation --force` does. After
    /// [`Event::relation_broken`](crate::Event::relation_broken) it is removed without this.
    pub fn remove(&self) {
        self.model.remove_relation(self.id);
    }

    pub(super) fn is_known(&self) -> bool {
        self.model.has_relation(self.id)
    }
}

impl fmt::Display for Relation {
    /// Writes the id that hook tools and `JUJU_RELATION_ID` have: `tracing:3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint, self.id)
    }
}
