//! Methods for the hook tools of relations.
//!
//! Each call of a tool is a round trip to the unit's agent, so the answers are kept for the rest of the dispatch: while a
//! hook runs, Juju shows it the same databags anyway. Two answers do change, and are asked for again: an own databag, after
//! a write of this dispatch, and leadership, which Juju guarantees only for 30 s.
//!
//! A tool hangs while its agent waits for a lost controller. The agent runs one tool at a time, so the next tool will
//! probably hang as well. So after a tool that took too long, the time limit is short until a tool answers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::{Dispatch, HookToolCall, HookToolError, HookToolErrorKind, HookToolOutput, Role};
use crate::json;

/// The content of a databag, by key.
pub type Databag = BTreeMap<String, String>;

/// The time for which Juju guarantees that the leader stays the leader.
const LEADERSHIP_GUARANTEE: Duration = Duration::from_secs(30);

/// The time limit of a tool after another one took too long.
const SHORT_PATIENCE: Duration = Duration::from_secs(1);

/// The answers that were read in this dispatch.
#[derive(Debug, Default)]
pub(super) struct Reads {
    leader: Option<(Instant, bool)>,
    /// The output of the tools about relations, by their command lines.
    outputs: HashMap<String, String>,
    /// The relations that a tool reported as gone.
    gone: HashSet<u32>,
    /// The time limit of the next tool; `Some` if the last one took too long.
    patience: Option<Duration>,
}

/// Leadership and relations. Answers are kept for the rest of the dispatch, and clones share them.
///
/// A relation that is gone reads as one without units and with empty databags, because a hook that runs while a relation is
/// removed should not fail for this reason. This holds for every error text that Juju has for it.
///
/// A tool that takes longer than its [`HookTools`](super::HookTools) allow is an error
/// ([`TimedOut`](HookToolErrorKind::TimedOut)). The next tools may take at most one second each, until one answers.
impl Dispatch {
    /// Returns true if the unit is its application's leader (`is-leader`). Asks again after 30 s, because Juju guarantees
    /// the answer for this time.
    ///
    /// # Errors
    ///
    /// The tool fails. In this case, act as a unit that is not the leader.
    pub fn is_leader(&self) -> Result<bool, HookToolError> {
        let now = Instant::now();
        let known = self.reads().leader;
        if let Some((_, leader)) =
            known.filter(|(asked, _)| now.duration_since(*asked) < LEADERSHIP_GUARANTEE)
        {
            return Ok(leader);
        }
        let leader = self.read(&HookToolCall::new("is-leader").arg("--format=json"))?;
        self.reads().leader = Some((now, leader));
        Ok(leader)
    }

    /// Returns the ids of the endpoint's relations (`relation-ids`), in ascending order. In a `relation-broken` hook, the
    /// relation that ends is still listed. An endpoint that does not exist has none.
    ///
    /// # Errors
    ///
    /// The tool fails, or does not print a list of ids.
    pub fn relation_ids(&self, endpoint: &str) -> Result<Vec<u32>, HookToolError> {
        let call = HookToolCall::new("relation-ids").arg("--format=json").arg(endpoint);
        let full_ids: Vec<String> = self.read_once(&call)?;
        let ids = full_ids.iter().map(|id| id.rsplit(':').next().unwrap_or(id).parse());
        let mut ids = ids.collect::<Result<Vec<u32>, _>>().map_err(|source| invalid(&call, source))?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Returns the units at the other end of a relation (`relation-list`).
    ///
    /// # Errors
    ///
    /// The tool fails for another reason than a relation that is gone.
    pub fn relation_units(&self, endpoint: &str, id: u32) -> Result<Vec<String>, HookToolError> {
        let call = relation_call("relation-list", endpoint, id).arg("--format=json");
        self.read_relation(&call, id, false)
    }

    /// Returns the application at the other end of a relation; `None` if the relation is gone. It comes from the
    /// environment in the relation's own hooks, else from `relation-list`.
    ///
    /// # Errors
    ///
    /// The tool fails for another reason than a relation that is gone.
    pub fn relation_app(&self, endpoint: &str, id: u32) -> Result<Option<String>, HookToolError> {
        let of_hook = self.relation().ok().flatten().filter(|relation| relation.id == id);
        if let Some(app) = of_hook.and_then(|relation| relation.remote_app) {
            return Ok(Some(app));
        }
        let call = relation_call("relation-list", endpoint, id).arg("--app").arg("--format=json");
        let app: String = self.read_relation(&call, id, false)?;
        Ok(Some(app).filter(|app| !app.is_empty()))
    }

    /// Returns the databag of an application in a relation (`relation-get --app`), including the writes of this dispatch.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](HookToolErrorKind::PermissionDenied) if `app` is the unit's own application, the unit is not
    /// its leader, and the relation is not a peer relation; any other failure of the tool, except that the relation is
    /// gone.
    pub fn relation_get_app(&self, endpoint: &str, id: u32, app: &str) -> Result<Databag, HookToolError> {
        // Every unit may read the own application's databag in a peer relation.
        let may_be_refused = self.application() == Ok(app) && !self.is_among_peers(endpoint);
        self.read_relation(&databag_call(endpoint, id, app, true), id, may_be_refused)
    }

    /// Returns the databag of a unit in a relation (`relation-get`). It also has Juju's own keys, such as
    /// `ingress-address`.
    ///
    /// # Errors
    ///
    /// The tool fails for another reason than a relation that is gone.
    pub fn relation_get_unit(&self, endpoint: &str, id: u32, unit: &str) -> Result<Databag, HookToolError> {
        self.read_relation(&databag_call(endpoint, id, unit, false), id, false)
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
        self.write_databag(call, (endpoint, id), self.application().ok(), changes, true)
    }

    /// Writes keys of the own unit's databag (`relation-set`). Other keys stay as they are; an empty value deletes its
    /// key. Juju makes the change visible to the other side once the hook has succeeded.
    ///
    /// # Errors
    ///
    /// [`RelationGone`](HookToolErrorKind::RelationGone), or another failure of the tool.
    pub fn relation_set_unit(&self, endpoint: &str, id: u32, changes: &Databag) -> Result<(), HookToolError> {
        let call = relation_call("relation-set", endpoint, id);
        self.write_databag(call, (endpoint, id), self.unit_name().ok(), changes, false)
    }

    /// Returns true if a tool reported that the relation is gone.
    pub(crate) fn found_gone(&self, id: u32) -> bool {
        self.reads().gone.contains(&id)
    }

    fn write_databag(
        &self,
        call: HookToolCall,
        (endpoint, id): (&str, u32),
        owner: Option<&str>,
        changes: &Databag,
        of_app: bool,
    ) -> Result<(), HookToolError> {
        if changes.is_empty() {
            return Ok(());
        }
        let read = owner.map(|owner| databag_call(endpoint, id, owner, of_app).line());
        if let Some(read) = &read {
            self.relation_memory().forget_answer(endpoint, read, true);
        }
        // Standard input is used, because its length is not limited.
        let call = call.arg("--file=-").stdin(json::to_yaml(changes));
        let written = self.tell(&call);
        // Juju shows a hook its own writes. The answer is dropped even after an error, because Juju may have written before
        // its answer was lost. It is dropped after the call, because another thread may read the old databag during it.
        if let Some(read) = read {
            self.reads().outputs.remove(&read);
        }
        written.map_err(|error| self.refine(error, of_app))
    }

    /// Locks the answers for a moment, never while a tool runs, so two threads may read the same answer twice.
    fn reads(&self) -> MutexGuard<'_, Reads> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads an answer as [`read`](Self::read) does, but returns the default for a relation that is gone.
    fn read_relation<T: DeserializeOwned + Default>(
        &self,
        call: &HookToolCall,
        id: u32,
        may_be_refused: bool,
    ) -> Result<T, HookToolError> {
        match self.read_once::<Option<T>>(call).map_err(|error| self.refine(error, may_be_refused)) {
            Err(error) if error.kind() == HookToolErrorKind::RelationGone => {
                let mut reads = self.reads();
                reads.gone.insert(id);
                reads.outputs.insert(call.line(), "null".to_owned());
                Ok(T::default())
            }
            answer => answer.map(Option::unwrap_or_default),
        }
    }

    /// Reads an answer as [`read`](Self::read) does, but runs the tool only if this dispatch has not, and the memory does not
    /// have its output.
    fn read_once<T: DeserializeOwned>(&self, call: &HookToolCall) -> Result<T, HookToolError> {
        let line = call.line();
        let (memory, endpoint) = (self.relation_memory(), self.remembers.as_deref());
        let read = self.reads().outputs.get(&line).cloned();
        let output = match read {
            Some(output) => output,
            None => match endpoint.and_then(|endpoint| memory.answer(endpoint, &line)) {
                Some(output) => return json::read(&output).map_err(|source| invalid(call, source)),
                None => String::from_utf8(self.run(call)?.stdout).map_err(|source| invalid(call, source))?,
            },
        };
        let answer = json::read(&output).map_err(|source| invalid(call, source))?;
        if let Some(endpoint) = endpoint {
            memory.learn_answer(endpoint, &line, &output);
        }
        self.reads().outputs.insert(line, output);
        Ok(answer)
    }

    pub(super) fn read<T: DeserializeOwned>(&self, call: &HookToolCall) -> Result<T, HookToolError> {
        json::read(&self.run(call)?.stdout).map_err(|source| invalid(call, source))
    }

    /// Runs a tool whose output is not needed.
    pub(super) fn tell(&self, call: &HookToolCall) -> Result<(), HookToolError> {
        self.run(call).map(drop)
    }

    /// Runs a tool within the time limits of this dispatch.
    pub(super) fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let started = Instant::now();
        let patience = [self.patience, self.reads().patience].into_iter().flatten().min();
        let result = match patience {
            Some(patience) => self.tools.run(&call.clone().at_most(patience)),
            None => self.tools.run(call),
        };
        let hung = result.as_ref().is_err_and(|error| error.kind() == HookToolErrorKind::TimedOut);
        // The limit is never longer than the time that the hanging tool got.
        self.reads().patience = hung.then(|| SHORT_PATIENCE.min(started.elapsed()));
        result
    }

    /// Decides what "permission denied" means. Juju also says it about a relation that is gone from the controller, even to
    /// a leader. It is a real refusal only if Juju may refuse the operation to a unit that is not the leader, and the unit is
    /// not.
    pub(super) fn refine(&self, error: HookToolError, may_be_refused: bool) -> HookToolError {
        let ambiguous = error.kind() == HookToolErrorKind::PermissionDenied
            && error.stderr().to_lowercase().contains("permission denied");
        if ambiguous && may_be_refused {
            // Juju is asked again about a leader, because the unit may have just lost leadership.
            self.reads().leader.take_if(|(_, leader)| *leader);
        }
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

/// Creates a call for a relation. Newer versions of Juju use the full form of the id to check that it belongs to the
/// endpoint; older ones use only its number.
pub(super) fn relation_call(tool: &str, endpoint: &str, id: u32) -> HookToolCall {
    HookToolCall::new(tool).arg("-r").arg(format!("{endpoint}:{id}"))
}

/// Creates the call that reads the databag of an application or unit.
pub(crate) fn databag_call(endpoint: &str, id: u32, owner: &str, of_app: bool) -> HookToolCall {
    let call = relation_call("relation-get", endpoint, id);
    let call = if of_app { call.arg("--app") } else { call };
    call.arg("--format=json").arg("-").arg(owner)
}

pub(super) fn invalid(call: &HookToolCall, source: impl Into<Box<dyn Error + Send + Sync>>) -> HookToolError {
    HookToolError::new(HookToolErrorKind::InvalidOutput, call.tool(), Some(source.into()))
}

#[cfg(test)]
mod tests;
