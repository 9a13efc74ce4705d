use std::collections::HashSet;
use std::path::PathBuf;
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::facts::{Facts, RelationFacts};
use super::file;
use super::record::Record;
use crate::juju::{Databag, Dispatch};

/// The memory of one unit, as one dispatch uses it.
#[derive(Debug)]
pub(crate) struct RelationMemory {
    path: PathBuf,
    unit: String,
    model: String,
    now: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What the file held when it was read or written last.
    seen: Option<Vec<u8>>,
    facts: Facts,
    /// There is something that the file does not hold.
    news: bool,
    /// The endpoints of which nothing is to be kept.
    doubted: HashSet<String>,
    /// The databags that this dispatch has written to, by the full id of the relation and their owner.
    written: HashSet<(String, String)>,
}

impl RelationMemory {
    /// Recalls what is still true in this dispatch, and forgets the rest for good.
    ///
    /// None if the file cannot be used, or is another unit's, or the dispatch does not say which unit it is for.
    pub(crate) fn open(path: PathBuf, dispatch: &Dispatch, now: SystemTime) -> Option<Self> {
        let content = match file::read(&path) {
            Ok(content) => content,
            Err(error) => {
                log::debug!("cannot remember relations in {}: {error}", path.display());
                return None;
            }
        };
        let memory = Self {
            path,
            unit: dispatch.unit_name().unwrap_or_default().to_owned(),
            model: dispatch.var("JUJU_MODEL_UUID").unwrap_or_default().to_owned(),
            now: now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            state: Mutex::new(State {
                facts: Facts::default(),
                seen: None,
                news: false,
                doubted: HashSet::new(),
                written: HashSet::new(),
            }),
        };
        let record = content.as_deref().and_then(Record::decode);
        // Without a name, or after the file was carried elsewhere, what it says is about another unit.
        let of_this_unit = !memory.unit.is_empty()
            && record
                .as_ref()
                .is_none_or(|found| (&found.unit, &found.model) == (&memory.unit, &memory.model));
        memory.state().facts = record.map(|found| found.facts).unwrap_or_default();
        memory.state().seen = content;
        let relation = dispatch.relation();
        let outdated = match &relation {
            Ok(relation) => memory.state().facts.are_outdated_by(dispatch.event(), relation.as_ref()),
            Err(_) => true,
        };
        if outdated {
            memory.forget();
        } else if !memory.state().facts.are_fresh(memory.now.as_secs()) {
            // Time makes nobody use it again, so the file may stay as it is.
            memory.state().facts.forget();
        }
        of_this_unit.then_some(memory)
    }

    pub(crate) fn ids(&self, endpoint: &str) -> Option<Vec<u32>> {
        self.state().facts.endpoints.get(endpoint).map(|relations| relations.keys().copied().collect())
    }

    /// The relations of an endpoint, before anything else of it.
    pub(crate) fn learn_ids(&self, endpoint: &str, ids: &[u32]) {
        let full_ids: HashSet<String> = ids.iter().map(|id| full_id(endpoint, *id)).collect();
        let mut state = self.state();
        let of_endpoint = |full: &str| full.rsplit_once(':').is_some_and(|(name, _)| name == endpoint);
        state.facts.apps.retain(|full, _| !of_endpoint(full) || full_ids.contains(full));
        let relations = ids.iter().map(|id| (*id, RelationFacts::default())).collect();
        self.learn(&mut state, |facts| facts.endpoints.insert(endpoint.to_owned(), relations));
    }

    pub(crate) fn app(&self, endpoint: &str, id: u32) -> Option<String> {
        self.state().facts.apps.get(&full_id(endpoint, id)).cloned()
    }

    pub(crate) fn learn_app(&self, endpoint: &str, id: u32, app: &str) {
        let mut state = self.state();
        if state.facts.apps.insert(full_id(endpoint, id), app.to_owned()).as_deref() != Some(app) {
            state.news = true;
        }
    }

    pub(crate) fn units(&self, endpoint: &str, id: u32) -> Option<Vec<String>> {
        self.state().facts.endpoints.get(endpoint)?.get(&id)?.units.clone()
    }

    pub(crate) fn learn_units(&self, endpoint: &str, id: u32, units: &[String]) {
        self.learn_of(endpoint, id, |relation| relation.units = Some(units.to_vec()));
    }

    pub(crate) fn databag(&self, endpoint: &str, id: u32, owner: &str) -> Option<Databag> {
        self.state().facts.endpoints.get(endpoint)?.get(&id)?.databags.get(owner).cloned()
    }

    pub(crate) fn learn_databag(&self, endpoint: &str, id: u32, owner: &str, databag: &Databag) {
        if !self.state().written.contains(&(full_id(endpoint, id), owner.to_owned())) {
            self.learn_of(endpoint, id, |relation| {
                relation.databags.insert(owner.to_owned(), databag.clone());
            });
        }
    }

    /// This dispatch is about to write to a databag, and may fail later.
    pub(crate) fn will_write(&self, endpoint: &str, id: u32, owner: &str) {
        self.state().written.insert((full_id(endpoint, id), owner.to_owned()));
        self.learn_of(endpoint, id, |relation| _ = relation.databags.remove(owner));
    }

    pub(crate) fn follows(&self) -> bool {
        self.state().facts.follows
    }

    /// The unit is not the leader. Juju says when it becomes it.
    pub(crate) fn learn_that_it_follows(&self) {
        self.learn(&mut self.state(), |facts| facts.follows = true);
    }

    /// A relation of the endpoint is just going, so nothing of it is kept.
    pub(crate) fn doubt(&self, endpoint: &str) {
        let mut state = self.state();
        state.doubted.insert(endpoint.to_owned());
        state.facts.endpoints.remove(endpoint);
        state.news = true;
    }

    /// Forgets all that can change, now and in the file.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        state.facts.forget();
        state.news = false;
        if state.seen.is_some() {
            let content = self.record(&state).encode();
            match file::force(&self.path, &content) {
                Ok(()) => state.seen = Some(content),
                Err(error) => log::warn!("cannot forget {}: {error}", self.path.display()),
            }
        }
    }

    /// Keeps what was learned for later dispatches.
    pub(crate) fn save(&self) {
        let mut state = self.state();
        if !state.news {
            return;
        }
        let mut content = self.record(&state).encode();
        if content.len() > file::LARGEST {
            state.facts.forget();
            content = self.record(&state).encode();
        }
        match file::replace(&self.path, state.seen.as_deref(), &content) {
            Ok(true) => (state.seen, state.news) = (Some(content), false),
            Ok(false) => log::debug!("another process has just learned about relations, and knows better"),
            Err(error) => log::debug!("cannot remember relations in {}: {error}", self.path.display()),
        }
    }

    fn record(&self, state: &State) -> Record {
        // The clock of the machine rather than of the dispatch: no two records are the same.
        let written = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Record {
            unit: self.unit.clone(),
            model: self.model.clone(),
            written: format!("{}-{}", process::id(), written.as_nanos()),
            facts: state.facts.clone(),
        }
    }

    fn learn_of(&self, endpoint: &str, id: u32, learn: impl FnOnce(&mut RelationFacts)) {
        let mut state = self.state();
        let known =
            |facts: &Facts| facts.endpoints.get(endpoint).is_some_and(|known| known.contains_key(&id));
        if known(&state.facts) {
            self.learn(&mut state, |facts| {
                facts.endpoints.get_mut(endpoint).and_then(|known| known.get_mut(&id)).map(learn)
            });
        }
    }

    fn learn<T>(&self, state: &mut State, learn: impl FnOnce(&mut Facts) -> T) {
        learn(&mut state.facts);
        for doubted in &state.doubted {
            state.facts.endpoints.remove(doubted);
        }
        state.news = true;
        if state.facts.learned == 0 {
            state.facts.learned = self.now.as_secs();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn full_id(endpoint: &str, id: u32) -> String {
    format!("{endpoint}:{id}")
}
