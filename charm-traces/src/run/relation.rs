use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use charm_testing::{Juju, Relation};
use serde::Deserialize;

type Databag = BTreeMap<String, String>;

/// A relation as a file of JSON has it. The names are those of `ops.testing`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RelationFile {
    remote_app_name: Option<String>,
    remote_app_data: Databag,
    remote_units_data: BTreeMap<String, Databag>,
    local_app_data: Databag,
    local_unit_data: Databag,
}

impl RelationFile {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Relates the charm to another application. Without a name in the file, it has that of the endpoint; without units, it has
    /// one. A unit may be named by its number alone, as in `ops.testing`.
    pub(super) fn relate(&self, juju: &mut Juju, endpoint: &str) -> Relation {
        let app = self.remote_app_name.as_deref().unwrap_or(endpoint);
        let relation = juju.relate(endpoint, app);
        for (key, value) in &self.remote_app_data {
            relation.set_remote_app_data(key, value);
        }
        if !self.remote_units_data.is_empty() {
            relation.remote_units().iter().for_each(|unit| relation.remove_remote_unit(unit));
        }
        for (unit, databag) in &self.remote_units_data {
            let unit = if unit.contains('/') { unit.clone() } else { format!("{app}/{unit}") };
            relation.add_remote_unit(&unit);
            for (key, value) in databag {
                relation.set_remote_unit_data(&unit, key, value);
            }
        }
        for (key, value) in &self.local_app_data {
            relation.set_local_app_data(key, value);
        }
        for (key, value) in &self.local_unit_data {
            relation.set_local_unit_data(key, value);
        }
        relation
    }
}
