//! The relations of a unit's application, and their databags.

use std::collections::BTreeMap;

use super::Model;
use crate::juju::testing::state::{LocalData, Relation, new_unit_databag, write};

impl Model {
    /// Relates the unit's application to another. A relation of the application to itself is a peer relation.
    ///
    /// Returns the id of the relation.
    #[must_use = "the id is how the relation is named later"]
    pub fn add_relation(&self, endpoint: &str, remote_app: &str, remote_units: &[&str]) -> u32 {
        let mut state = self.state();
        let id = state.next_relation;
        state.next_relation += 1;
        state.relations.insert(
            id,
            Relation {
                endpoint: endpoint.to_owned(),
                remote_app: remote_app.to_owned(),
                remote_app_data: BTreeMap::new(),
                remote_units: remote_units
                    .iter()
                    .map(|unit| ((*unit).to_owned(), new_unit_databag()))
                    .collect(),
                departed_units: BTreeMap::new(),
                local: LocalData { app: BTreeMap::new(), unit: new_unit_databag() },
                severed: false,
            },
        );
        id
    }

    /// Removes a relation. Tools for it then answer `relation not found`, with exit code 2.
    pub fn remove_relation(&self, id: u32) {
        self.state().relations.remove(&id);
    }

    /// Removes a relation from the controller, but not yet from the unit's agent. It is still listed, but tools that read
    /// its databags fail, most of them with `permission denied`, even for a leader.
    pub fn sever_relation(&self, id: u32) {
        if let Some(relation) = self.state().relations.get_mut(&id) {
            relation.severed = true;
        }
    }

    /// Writes a key of the remote application's databag. An empty value deletes the key.
    ///
    /// # Panics
    ///
    /// There is no such relation.
    pub fn set_remote_app_data(&self, id: u32, key: &str, value: &str) {
        let mut state = self.state();
        let relation = state.relations.get_mut(&id).expect("the relation exists");
        write(&mut relation.remote_app_data, key, value);
    }

    /// Writes a key of a remote unit's databag. The unit joins if it has not joined yet. An empty value deletes the key.
    ///
    /// # Panics
    ///
    /// There is no such relation.
    pub fn set_remote_unit_data(&self, id: u32, unit: &str, key: &str, value: &str) {
        let mut state = self.state();
        let relation = state.relations.get_mut(&id).expect("the relation exists");
        let databag = relation.remote_units.entry(unit.to_owned()).or_insert_with(new_unit_databag);
        write(databag, key, value);
    }

    /// Adds a remote unit to a relation, with a databag that has only the keys which Juju itself sets.
    ///
    /// # Panics
    ///
    /// There is no such relation.
    pub fn add_remote_unit(&self, id: u32, unit: &str) {
        let mut state = self.state();
        let relation = state.relations.get_mut(&id).expect("the relation exists");
        relation.remote_units.entry(unit.to_owned()).or_insert_with(new_unit_databag);
    }

    /// Removes a remote unit from a relation. Its databag can still be read.
    ///
    /// # Panics
    ///
    /// There is no such relation.
    pub fn remove_remote_unit(&self, id: u32, unit: &str) {
        let mut state = self.state();
        let relation = state.relations.get_mut(&id).expect("the relation exists");
        relation.departed_units.extend(relation.remote_units.remove_entry(unit));
    }

    /// Writes a key of the own application's databag, as if an earlier hook had written it. An empty value deletes the key.
    ///
    /// # Panics
    ///
    /// There is no such relation.
    pub fn set_local_app_data(&self, id: u32, key: &str, value: &str) {
        let mut state = self.state();
        let relation = state.relations.get_mut(&id).expect("the relation exists");
        write(&mut relation.local.app, key, value);
        if let Some(before) = state.hook.as_mut().and_then(|hook| hook.local_before.get_mut(&id)) {
            write(&mut before.app, key, value);
        }
    }

    /// Writes a key of the own unit's databag, as if an earlier hook had written it. An empty value deletes the key.
    ///
    /// # Panics
    ///
    /// There is no such relation.
    pub fn set_local_unit_data(&self, id: u32, key: &str, value: &str) {
        let mut state = self.state();
        let relation = state.relations.get_mut(&id).expect("the relation exists");
        write(&mut relation.local.unit, key, value);
        if let Some(before) = state.hook.as_mut().and_then(|hook| hook.local_before.get_mut(&id)) {
            write(&mut before.unit, key, value);
        }
    }

    /// Returns true if the unit's agent knows the relation.
    #[must_use]
    pub fn has_relation(&self, id: u32) -> bool {
        self.state().relations.contains_key(&id)
    }

    /// Returns the names of the remote units in a relation, sorted; empty if there is no such relation.
    #[must_use]
    pub fn remote_units(&self, id: u32) -> Vec<String> {
        let state = self.state();
        let units = state.relations.get(&id).map(|relation| relation.remote_units.keys());
        units.into_iter().flatten().cloned().collect()
    }

    /// Returns a remote unit's databag; empty if there is no such relation or unit.
    #[must_use]
    pub fn remote_unit_data(&self, id: u32, unit: &str) -> BTreeMap<String, String> {
        let state = self.state();
        let databag = state.relations.get(&id).and_then(|relation| relation.remote_units.get(unit));
        databag.cloned().unwrap_or_default()
    }

    /// Returns the remote application's databag; empty if there is no such relation.
    #[must_use]
    pub fn remote_app_data(&self, id: u32) -> BTreeMap<String, String> {
        self.state().relations.get(&id).map(|relation| relation.remote_app_data.clone()).unwrap_or_default()
    }

    /// Returns the own application's databag as the other side sees it, without the writes of a running hook; empty if
    /// there is no such relation.
    #[must_use]
    pub fn local_app_data(&self, id: u32) -> BTreeMap<String, String> {
        self.state().committed(id).map(|local| local.app.clone()).unwrap_or_default()
    }

    /// Returns the own unit's databag as the other side sees it; empty if there is no such relation.
    #[must_use]
    pub fn local_unit_data(&self, id: u32) -> BTreeMap<String, String> {
        self.state().committed(id).map(|local| local.unit.clone()).unwrap_or_default()
    }
}
