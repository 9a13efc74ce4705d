use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::context::HookContext;
use super::ports::Ports;
use super::result::ToolResult;
use super::secret::Secret;
use super::version::Version;

pub(super) type Databag = BTreeMap<String, String>;

/// A line that a charm wrote with `juju-log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// `TRACE`, `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`.
    pub level: String,
    /// The text. In the hooks of a relation, `<endpoint>:<id>: ` is before it.
    pub message: String,
}

/// A status that `status-set` has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `maintenance`, `blocked`, `waiting` or `active`; `unknown` before the first `status-set`.
    pub status: String,
    /// The message of the status.
    pub message: String,
}

impl fmt::Display for Status {
    /// Writes the status, and its message after a colon if there is one: `blocked: no database`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.status)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// The outcome of an action that its user gets from the `action-*` tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionOutcome {
    /// The results, by dotted key.
    pub results: BTreeMap<String, String>,
    /// The message of `action-fail`, if it was called.
    pub failure: Option<String>,
    /// The messages of `action-log`.
    pub log: Vec<String>,
}

/// The leader of the unit's application, as the unit's agent and the controller see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leadership {
    /// The unit is the leader.
    Leader,
    /// Another unit is the leader.
    #[default]
    Follower,
    /// Another unit is the leader, but the agent does not know it yet: `is-leader` says `true`, and the controller refuses.
    Deposed,
    /// The agent does not know the leader: `is-leader` fails, and so do the tools that depend on it.
    Unknown,
}

/// A unit's view of its model, and the record of its calls.
#[derive(Debug)]
pub(super) struct State {
    pub unit: String,
    pub leadership: Leadership,
    pub version: Version,
    pub relations: BTreeMap<u32, Relation>,
    pub next_relation: u32,
    pub config: BTreeMap<String, Value>,
    pub stored: BTreeMap<String, String>,
    /// The open ports, each with its endpoint, or an empty text for all endpoints.
    pub ports: BTreeSet<(Ports, String)>,
    pub secrets: BTreeMap<String, Secret>,
    pub next_secret: u32,
    pub resources: BTreeMap<String, String>,
    /// The location of each storage instance, by its id.
    pub storages: BTreeMap<String, String>,
    pub next_storage: u32,
    pub status: Status,
    pub application_status: Status,
    pub workload_version: Option<String>,
    pub log: Vec<LogLine>,
    pub action: ActionOutcome,
    pub calls: Vec<Vec<String>>,
    pub faults: Vec<Fault>,
    pub hook: Option<Hook>,
}

#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub endpoint: String,
    pub remote_app: String,
    pub remote_app_data: Databag,
    pub remote_units: BTreeMap<String, Databag>,
    /// Units that are gone. Their databags can be read for as long as the relation exists.
    pub departed_units: BTreeMap<String, Databag>,
    pub local: LocalData,
    /// True if the controller has removed the relation, but the unit's agent still lists it.
    pub severed: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct LocalData {
    pub app: Databag,
    pub unit: Databag,
}

/// A running hook. It changes the model directly; the copies here restore it if the hook fails.
#[derive(Debug)]
pub(super) struct Hook {
    pub context: HookContext,
    pub local_before: BTreeMap<u32, LocalData>,
    pub stored_before: BTreeMap<String, String>,
    pub own_secrets_before: BTreeMap<String, Secret>,
    pub ports_before: BTreeSet<(Ports, String)>,
}

#[derive(Debug)]
pub(super) struct Fault {
    pub tool: String,
    pub result: ToolResult,
    /// The number of calls that it still affects; `None` for all.
    pub left: Option<u32>,
}

impl State {
    pub(super) fn new(unit: &str) -> Self {
        let unknown = Status { status: "unknown".to_owned(), message: String::new() };
        Self {
            unit: unit.to_owned(),
            leadership: Leadership::default(),
            version: Version::DEFAULT,
            relations: BTreeMap::new(),
            next_relation: 1,
            config: BTreeMap::new(),
            stored: BTreeMap::new(),
            ports: BTreeSet::new(),
            secrets: BTreeMap::new(),
            next_secret: 0,
            resources: BTreeMap::new(),
            storages: BTreeMap::new(),
            next_storage: 0,
            status: unknown.clone(),
            application_status: unknown,
            workload_version: None,
            log: Vec::new(),
            action: ActionOutcome::default(),
            calls: Vec::new(),
            faults: Vec::new(),
            hook: None,
        }
    }

    pub(super) fn application(&self) -> &str {
        application_of(&self.unit)
    }

    /// Returns true if the agent takes the unit for the leader. `doing` begins the error text.
    pub(super) fn agent_knows_leader(&self, doing: &str) -> Result<bool, ToolResult> {
        match self.leadership {
            Leadership::Leader | Leadership::Deposed => Ok(true),
            Leadership::Follower => Ok(false),
            Leadership::Unknown => Err(ToolResult::failed(&format!("{doing}: connection is shut down"))),
        }
    }

    pub(super) fn begin_hook(&mut self, context: HookContext) {
        self.abort_hook();
        if context.action.is_some() {
            self.action = ActionOutcome::default();
        }
        self.hook = Some(Hook {
            context,
            local_before: self.relations.iter().map(|(id, relation)| (*id, relation.local.clone())).collect(),
            stored_before: self.stored.clone(),
            own_secrets_before: self.own_secrets().map(|(id, secret)| (id.clone(), secret.clone())).collect(),
            ports_before: self.ports.clone(),
        });
    }

    pub(super) fn commit_hook(&mut self) {
        self.hook = None;
    }

    pub(super) fn abort_hook(&mut self) {
        let Some(hook) = self.hook.take() else { return };
        self.stored = hook.stored_before;
        self.secrets.retain(|_, secret| secret.owned.is_none());
        self.secrets.extend(hook.own_secrets_before);
        self.ports = hook.ports_before;
        for (id, local) in hook.local_before {
            if let Some(relation) = self.relations.get_mut(&id) {
                relation.local = local;
            }
        }
    }

    /// Adds a secret, and returns its id.
    pub(super) fn add_secret(&mut self, secret: Secret) -> String {
        let id = format!("9m4e2mr0ui3e8a2{:05}", self.next_secret);
        self.next_secret += 1;
        self.secrets.insert(id.clone(), secret);
        id
    }

    /// Returns the secrets that the unit or its application owns, by their ids.
    pub(super) fn own_secrets(&self) -> impl Iterator<Item = (&String, &Secret)> {
        self.secrets.iter().filter(|(_, secret)| secret.owned.is_some())
    }

    /// Returns this unit's side of a relation as the other side sees it, without the writes of a running hook.
    pub(super) fn committed(&self, id: u32) -> Option<&LocalData> {
        let before = self.hook.as_ref().and_then(|hook| hook.local_before.get(&id));
        before.or_else(|| self.relations.get(&id).map(|relation| &relation.local))
    }

    /// Returns the planned result of this call; `None` if there is none.
    pub(super) fn fault(&mut self, tool: &str) -> Option<ToolResult> {
        let index = self.faults.iter().position(|fault| fault.tool == tool)?;
        let fault = &mut self.faults[index];
        let result = fault.result.clone();
        if let Some(left) = &mut fault.left {
            *left -= 1;
            if *left == 0 {
                self.faults.remove(index);
            }
        }
        Some(result)
    }
}

/// Returns the application of a unit. The name of an application is returned unchanged.
pub(super) fn application_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// Returns the databag of a unit that has written nothing, with the keys that Juju itself sets.
pub(super) fn new_unit_databag() -> Databag {
    [("egress-subnets", "10.0.0.1/32"), ("ingress-address", "10.0.0.1"), ("private-address", "10.0.0.1")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Writes a key as Juju does: an empty value deletes it.
pub(super) fn write(databag: &mut Databag, key: &str, value: &str) {
    if value.is_empty() {
        databag.remove(key);
    } else {
        databag.insert(key.to_owned(), value.to_owned());
    }
}
