use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::facts::{Facts, Outdated};
use super::file;
use super::record::Record;
use crate::juju::Dispatch;

/// The memory of one unit, as one dispatch uses it.
#[derive(Debug)]
pub(crate) struct RelationMemory {
    path: PathBuf,
    /// The time of the dispatch, in seconds since 1970.
    now: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The content of the file when it was last read or written.
    seen: Option<Vec<u8>>,
    record: Record,
    /// True if there are facts that the file does not have.
    news: bool,
    /// True if this dispatch must not store facts any more.
    doubtful: bool,
    /// True if an earlier part of the same hook has written the file. What it has published may still be dropped.
    same_hook: bool,
    /// The command lines of hook tools whose answers are not stored any more in this dispatch.
    excluded: HashSet<String>,
}

/// The memory of a dispatch that has none: it knows nothing, and stores nothing.
impl Default for RelationMemory {
    fn default() -> Self {
        let state = Mutex::new(State { doubtful: true, ..State::default() });
        Self { path: PathBuf::new(), now: 0, state }
    }
}

impl RelationMemory {
    /// Reads the facts that are still valid in this dispatch, and drops the others from the file.
    ///
    /// Returns `None` if the file cannot be used, or if the dispatch does not say its unit, or the relation of its event.
    /// Also returns `None`, with a warning in Juju's log, if the event makes facts outdated, but the file can be neither
    /// changed nor removed.
    pub(crate) fn open(path: PathBuf, dispatch: &Dispatch, now: SystemTime) -> Option<Self> {
        let outdated = Outdated::by(dispatch);
        let found = file::read(&path);
        let there = !matches!(found, Ok(None));
        let seen = match found {
            Ok(content) => content,
            Err(error) => {
                log::debug!("cannot remember relations in {}: {error}", path.display());
                if outdated == Outdated::Nothing {
                    return None;
                }
                // The facts are dropped nevertheless, because a later dispatch may be able to read the file.
                None
            }
        };
        let var = |name| dispatch.var(name).unwrap_or_default().to_owned();
        let unit = dispatch.unit_name().unwrap_or_default().to_owned();
        let says_unit = !unit.is_empty();
        let (model, hook) = (var("JUJU_MODEL_UUID"), var("JUJU_CONTEXT_ID"));
        let mut record = Record { unit, model, hook, ..Record::default() };
        let mut same_hook = false;
        // A file that was copied from another unit does not count.
        let is_own = |found: &Record| (&found.unit, &found.model) == (&record.unit, &record.model);
        if let Some(found) = seen.as_deref().and_then(Record::decode).filter(is_own) {
            same_hook = !record.hook.is_empty() && found.hook == record.hook;
            record.facts = found.facts;
        }
        record.facts.forget_outdated(&outdated);
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        if !record.facts.are_fresh(now) {
            record.facts.forget();
        }

        let state = Mutex::new(State { seen, record, same_hook, ..State::default() });
        let memory = Self { path, now, state };
        let of_relation = matches!(outdated, Outdated::Relation { .. });
        // The event of a relation writes the file even if it drops nothing, so that a dispatch that has read it before does
        // not write it later.
        if of_relation || (there && outdated == Outdated::Everything) {
            let forced = memory.force(&mut memory.state());
            if let Err(error) = forced {
                memory.warn_of(&error, dispatch);
                return None;
            }
        }
        let says_which = of_relation || !dispatch.event().contains("_relation_");
        (says_which && says_unit).then_some(memory)
    }

    /// Returns true if this dispatch stores facts.
    #[cfg(test)]
    pub(super) fn is_used(&self) -> bool {
        !self.state().doubtful
    }

    /// Returns true if an event has ended the relation, even if Juju still lists it.
    pub(crate) fn has_ended(&self, id: u32) -> bool {
        self.state().record.facts.ended.contains(&id)
    }

    /// Returns what a hook tool has printed about the relations of an endpoint.
    pub(crate) fn answer(&self, endpoint: &str, line: &str) -> Option<String> {
        self.state().record.facts.endpoints.get(endpoint)?.get(line).cloned()
    }

    pub(crate) fn learn_answer(&self, endpoint: &str, line: &str, output: &str) {
        if !self.state().excluded.contains(line) && self.answer(endpoint, line).as_deref() != Some(output) {
            self.learn(|facts| {
                let answers = facts.endpoints.entry(endpoint.to_owned()).or_default();
                answers.insert(line.to_owned(), output.to_owned());
            });
        }
    }

    /// Drops an answer about data that the unit writes. It is not stored any more in this dispatch if the dispatch writes the
    /// data, or an earlier part of the same hook may have, because that is lost if the hook fails.
    pub(crate) fn forget_answer(&self, endpoint: &str, line: &str, writes: bool) {
        let mut state = self.state();
        if writes || state.same_hook {
            state.excluded.insert(line.to_owned());
        }
        let forgotten = state.record.facts.endpoints.get_mut(endpoint).and_then(|known| known.remove(line));
        state.news |= forgotten.is_some();
    }

    pub(crate) fn app(&self, id: u32) -> Option<String> {
        self.state().record.facts.apps.get(&id).cloned()
    }

    pub(crate) fn learn_app(&self, id: u32, app: &str) {
        self.learn(|facts| facts.name_app(id, app));
    }

    pub(crate) fn follows(&self) -> bool {
        self.state().record.facts.follows
    }

    /// Stores that the unit is not the leader. An event comes when it becomes the leader.
    pub(crate) fn learn_that_it_follows(&self) {
        self.learn(|facts| facts.follows = true);
    }

    /// Drops all facts and stores no more in this dispatch, because a relation is being removed, and the next dispatch
    /// would read other answers.
    pub(crate) fn doubt(&self) {
        let mut state = self.state();
        if !state.doubtful {
            state.record.facts.forget();
            (state.news, state.doubtful) = (true, true);
        }
    }

    /// Drops all facts that can change, also in the file.
    ///
    /// If the file can be neither changed nor removed, writes a warning to Juju's log and stores no more facts in this
    /// dispatch.
    pub(crate) fn forget(&self, dispatch: &Dispatch) {
        let mut state = self.state();
        state.record.facts.forget();
        state.news = false;
        if state.seen.is_none() {
            return;
        }
        if let Err(error) = self.force(&mut state) {
            state.doubtful = true;
            drop(state);
            self.warn_of(&error, dispatch);
        }
    }

    /// Writes new facts to the file, for later dispatches.
    pub(crate) fn save(&self) {
        let mut state = self.state();
        if !state.news {
            return;
        }
        let mut content = state.encode();
        if content.len() > file::LARGEST {
            state.record.facts.forget();
            content = state.encode();
        }
        let write = |now| {
            if now == state.seen { file::write(&self.path, &content).map(|()| true) } else { Ok(false) }
        };
        match file::read(&self.path).and_then(write) {
            Ok(true) => (state.seen, state.news) = (Some(content), false),
            Ok(false) => log::debug!("another process has just learned about relations, and knows better"),
            Err(error) => log::debug!("cannot remember relations in {}: {error}", self.path.display()),
        }
    }

    /// Replaces the file, whatever its content, or removes it if that fails. Returns an error if the old content stays
    /// there.
    fn force(&self, state: &mut State) -> io::Result<()> {
        state.news = false;
        let content = state.encode();
        if let Err(error) = file::write(&self.path, &content) {
            log::debug!("cannot remember relations in {}: {error}", self.path.display());
            state.seen = None;
            return file::remove(&self.path).map_err(|_| error);
        }
        state.seen = Some(content);
        Ok(())
    }

    /// Warns the operator that the file has outdated facts, because only they can solve this.
    fn warn_of(&self, error: &io::Error, dispatch: &Dispatch) {
        let file = self.path.display();
        let warning = format!(
            "cannot forget what {file} says about relations ({error}): remove it, or tracing may use for up to a day what \
             is no longer true"
        );
        dispatch.warn_operator("relation memory", &warning);
    }

    fn learn(&self, learn: impl FnOnce(&mut Facts)) {
        let mut state = self.state();
        if state.doubtful {
            return;
        }
        learn(&mut state.record.facts);
        state.news = true;
        state.record.facts.learned.get_or_insert(self.now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn encode(&mut self) -> Vec<u8> {
        // The clock of the machine is used rather than that of the dispatch, so that no two records are equal.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.record.written = format!("{}-{}", process::id(), now.as_nanos());
        self.record.encode()
    }
}
