//! The hook tools that relations need, typed.
//!
//! Each call of a tool is a round trip to the unit's agent, so what was read is kept for the rest of the
//! dispatch: while a hook runs, Juju shows it the same databags anyway. Two things do change, and are looked after: the
//! own application's databag, by this dispatch's own writes, and leadership, which Juju guarantees for 30 s only.
//!
//! A tool hangs while its agent waits for a lost controller. The agent serves one tool at a time, so the next will hardly
//! fare better: after a tool that took too long, others are waited for only briefly, until one answers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::{Dispatch, HookToolCall, HookToolError, HookToolErrorKind, HookToolOutput, Role};
use crate::json;

/// The content of a databag, by key.
pub type Databag = BTreeMap<String, String>;

/// For how long Juju guarantees that a unit that is the leader stays it.
const LEADERSHIP_GUARANTEE: Duration = Duration::from_secs(30);

/// How long a tool may take at most after another one took too long.
const SHORT_PATIENCE: Duration = Duration::from_secs(1);

/// What was read in this dispatch.
#[derive(Debug, Default)]
pub(super) struct Reads {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    leader: Option<(Instant, bool)>,
    ids: HashMap<String, Vec<u32>>,
    units: HashMap<u32, Vec<String>>,
    apps: HashMap<u32, Option<String>>,
    /// By relation, and the application or unit that the databag belongs to.
    databags: HashMap<(u32, String), Databag>,
    /// The relations that a tool said are gone.
    gone: HashSet<u32>,
    /// How long the next tool may take, since the last one took too long.
    patience: Option<Duration>,
}

impl Reads {
    /// Locks for a moment, never while a tool runs: two threads may read the same thing twice.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hook tools. Answers are kept for the rest of the dispatch and shared by clones.
///
/// A relation that is gone reads as one without units and with empty databags, whatever words Juju has for that: a hook
/// that runs while a relation is being removed should not fail for it.
///
/// A tool that takes longer than its [`HookTools`](super::HookTools) allow is an error
/// ([`TimedOut`](HookToolErrorKind::TimedOut)). The next ones are then given a second at most, until one answers.
impl Dispatch {
    /// Whether the unit is its application's leader (`is-leader`). Asked again after 30 s, for which Juju guarantees
    /// the answer.
    ///
    /// # Errors
    ///
    /// The tool fails: act as a unit that is not the leader.
    pub fn is_leader(&self) -> Result<bool, HookToolError> {
        let now = Instant::now();
        if let Some((asked, leader)) = self.reads.known().leader
            && now.duration_since(asked) < LEADERSHIP_GUARANTEE
        {
            return Ok(leader);
        }
        let leader = self.read(&HookToolCall::new("is-leader").arg("--format=json"))?;
        self.reads.known().leader = Some((now, leader));
        Ok(leader)
    }

    /// The ids of the endpoint's relations (`relation-ids`), in ascending order. One that is being removed is still
    /// among them in its `relation-broken` hook. An endpoint that does not exist has none.
    ///
    /// # Errors
    ///
    /// The tool fails, or prints what is not a list of ids.
    pub fn relation_ids(&self, endpoint: &str) -> Result<Vec<u32>, HookToolError> {
        if let Some(ids) = self.reads.known().ids.get(endpoint) {
            return Ok(ids.clone());
        }
        let call = HookToolCall::new("relation-ids").arg("--format=json").arg(endpoint);
        let full_ids: Vec<String> = self.read(&call)?;
        let ids = full_ids.iter().map(|id| id.rsplit(':').next().unwrap_or(id).parse());
        let mut ids = ids.collect::<Result<Vec<u32>, _>>().map_err(|source| invalid(&call, source))?;
        ids.sort_unstable();
        self.reads.known().ids.insert(endpoint.to_owned(), ids.clone());
        Ok(ids)
    }

    /// The units at the other end of a relation (`relation-list`).
    ///
    /// # Errors
    ///
    /// The tool fails, other than for a relation that is gone.
    pub fn relation_units(&self, endpoint: &str, id: u32) -> Result<Vec<String>, HookToolError> {
        if let Some(units) = self.reads.known().units.get(&id) {
            return Ok(units.clone());
        }
        let call = relation_call("relation-list", endpoint, id).arg("--format=json");
        let units: Vec<String> = self.read_relation(&call, id, Whose::Other)?;
        self.reads.known().units.insert(id, units.clone());
        Ok(units)
    }

    /// The application at the other end of a relation: from the environment in the relation's own hooks, else from
    /// `relation-list`. `None` if the relation is gone.
    ///
    /// # Errors
    ///
    /// The tool fails, other than for a relation that is gone.
    pub fn relation_app(&self, endpoint: &str, id: u32) -> Result<Option<String>, HookToolError> {
        if let Ok(Some(relation)) = self.relation()
            && relation.id == id
            && relation.remote_app.is_some()
        {
            return Ok(relation.remote_app);
        }
        if let Some(app) = self.reads.known().apps.get(&id) {
            return Ok(app.clone());
        }
        let call = relation_call("relation-list", endpoint, id).arg("--app").arg("--format=json");
        let app: String = self.read_relation(&call, id, Whose::Other)?;
        let app = Some(app).filter(|app| !app.is_empty());
        self.reads.known().apps.insert(id, app.clone());
        Ok(app)
    }

    /// The databag of an application in a relation (`relation-get --app`), with what this dispatch has written.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](HookToolErrorKind::PermissionDenied) if `app` is the unit's own, the unit is not its leader,
    /// and the relation is not one among peers; any other failure of the tool, but not that the relation is gone.
    pub fn relation_get_app(&self, endpoint: &str, id: u32, app: &str) -> Result<Databag, HookToolError> {
        let whose = if self.application() == Ok(app) { Whose::OwnAppRead { endpoint } } else { Whose::Other };
        let call = relation_call("relation-get", endpoint, id).arg("--app");
        self.databag(call, id, app, whose)
    }

    /// The databag of a unit in a relation (`relation-get`). It has Juju's own keys too, such as `ingress-address`.
    ///
    /// # Errors
    ///
    /// The tool fails, other than for a relation that is gone.
    pub fn relation_get_unit(&self, endpoint: &str, id: u32, unit: &str) -> Result<Databag, HookToolError> {
        self.databag(relation_call("relation-get", endpoint, id), id, unit, Whose::Other)
    }

    /// Writes keys of the own application's databag (`relation-set --app`). Other keys stay as they are; an empty value
    /// deletes its key. Juju makes the change visible to the other side once the hook has succeeded.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](HookToolErrorKind::PermissionDenied) if the unit is not the leader,
    /// [`RelationGone`](HookToolErrorKind::RelationGone), or another failure of the tool.
    pub fn relation_set_app(&self, endpoint: &str, id: u32, changes: &Databag) -> Result<(), HookToolError> {
        let call = relation_call("relation-set", endpoint, id).arg("--app");
        self.write_databag(call, (endpoint, id), self.application().ok(), changes, Whose::OwnAppWritten)
    }

    /// Writes keys of the own unit's databag (`relation-set`). Other keys stay as they are; an empty value deletes its
    /// key. Juju makes the change visible to the other side once the hook has succeeded.
    ///
    /// # Errors
    ///
    /// [`RelationGone`](HookToolErrorKind::RelationGone), or another failure of the tool.
    pub fn relation_set_unit(&self, endpoint: &str, id: u32, changes: &Databag) -> Result<(), HookToolError> {
        let call = relation_call("relation-set", endpoint, id);
        self.write_databag(call, (endpoint, id), self.unit_name().ok(), changes, Whose::Other)
    }

    /// Whether a tool has said that the relation is gone.
    pub(crate) fn found_gone(&self, id: u32) -> bool {
        self.reads.known().gone.contains(&id)
    }

    fn databag(
        &self,
        call: HookToolCall,
        id: u32,
        owner: &str,
        whose: Whose<'_>,
    ) -> Result<Databag, HookToolError> {
        let key = (id, owner.to_owned());
        if let Some(databag) = self.reads.known().databags.get(&key) {
            return Ok(databag.clone());
        }
        let call = call.arg("--format=json").arg("-").arg(owner);
        let databag: Databag = self.read_relation(&call, id, whose)?;
        self.reads.known().databags.insert(key, databag.clone());
        Ok(databag)
    }

    fn write_databag(
        &self,
        call: HookToolCall,
        (endpoint, id): (&str, u32),
        owner: Option<&str>,
        changes: &Databag,
        whose: Whose<'_>,
    ) -> Result<(), HookToolError> {
        if changes.is_empty() {
            return Ok(());
        }
        if let (Some(memory), Some(owner)) = (self.relation_memory(), owner) {
            memory.will_write(endpoint, id, owner);
        }
        // On standard input, where length is not limited.
        let call = call.arg("--file=-").stdin(json::to_yaml(changes));
        self.run(&call).map_err(|error| self.refine(error, whose))?;
        if let Some(owner) = owner
            && let Some(databag) = self.reads.known().databags.get_mut(&(id, owner.to_owned()))
        {
            databag.extend(changes.clone());
            databag.retain(|_, value| !value.is_empty());
        }
        Ok(())
    }

    /// As [`read`](Self::read), and nothing for a relation that is gone.
    fn read_relation<T: DeserializeOwned + Default>(
        &self,
        call: &HookToolCall,
        id: u32,
        whose: Whose<'_>,
    ) -> Result<T, HookToolError> {
        match self.read::<Option<T>>(call).map_err(|error| self.refine(error, whose)) {
            Err(error) if error.kind() == HookToolErrorKind::RelationGone => {
                self.reads.known().gone.insert(id);
                Ok(T::default())
            }
            answer => answer.map(Option::unwrap_or_default),
        }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, call: &HookToolCall) -> Result<T, HookToolError> {
        json::read(&self.run(call)?.stdout).map_err(|source| invalid(call, source))
    }

    /// Runs a tool that prints nothing of interest.
    pub(super) fn tell(&self, call: &HookToolCall) -> Result<(), HookToolError> {
        self.run(call).map(drop)
    }

    /// Runs a tool for no longer than this dispatch has patience.
    pub(super) fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let started = Instant::now();
        let patience = [self.patience, self.reads.known().patience].into_iter().flatten().min();
        let result = match patience {
            Some(patience) => self.tools.run(&call.clone().at_most(patience)),
            None => self.tools.run(call),
        };
        let hung = result.as_ref().is_err_and(|error| error.kind() == HookToolErrorKind::TimedOut);
        // No longer than that tool was given, should that have been less.
        self.reads.known().patience = hung.then(|| SHORT_PATIENCE.min(started.elapsed()));
        result
    }

    /// Tells what "permission denied" means. Juju says it of a relation that is gone from the controller, even to a
    /// leader, and it is a refusal only where a unit that is not the leader asks for its own application's databag, which
    /// in a relation among peers each of them may read.
    pub(super) fn refine(&self, error: HookToolError, whose: Whose<'_>) -> HookToolError {
        let ambiguous = error.kind() == HookToolErrorKind::PermissionDenied
            && error.stderr().to_lowercase().contains("permission denied");
        let may_be_refused = match whose {
            Whose::OwnAppRead { endpoint } => !self.is_among_peers(endpoint),
            Whose::OwnAppWritten => true,
            Whose::Other => false,
        };
        if ambiguous && (!may_be_refused || self.is_leader().unwrap_or(false)) {
            error.with_kind(HookToolErrorKind::RelationGone)
        } else {
            error
        }
    }

    fn is_among_peers(&self, endpoint: &str) -> bool {
        let found = self.metadata().ok().and_then(|metadata| metadata.endpoint(endpoint));
        found.is_some_and(|(role, _)| role == Role::Peer)
    }
}

/// Whose databag a call is about, and what is done to it.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    OwnAppRead { endpoint: &'a str },
    OwnAppWritten,
    Other,
}

/// The full form of the id lets newer versions of Juju check that it belongs to the endpoint; older ones take only its
/// number.
pub(super) fn relation_call(tool: &str, endpoint: &str, id: u32) -> HookToolCall {
    HookToolCall::new(tool).arg("-r").arg(format!("{endpoint}:{id}"))
}

pub(super) fn invalid(
    call: &HookToolCall,
    source: impl std::error::Error + Send + Sync + 'static,
) -> HookToolError {
    HookToolError::new(HookToolErrorKind::InvalidOutput, call.tool(), Some(Box::new(source)))
}

#[cfg(test)]
mod tests;
