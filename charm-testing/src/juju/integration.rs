//! Two units whose applications are related, and the hooks that Juju runs for it.

use std::collections::BTreeMap;

use super::event::Event;
use super::outcome::Outcome;
use super::relation::Relation;
use super::unit::Juju;

/// A relation between the applications of two units, as `juju integrate` makes it: what one of them publishes, the
/// other one can read, and is told about by the hooks that are due then.
///
/// Each unit gets its hooks in the order of Juju's agent, the two of them take turns. A hook that fails is run again
/// when its unit has the next turn, with the same news, as after `juju resolved`.
///
/// ```no_run
/// # use charm_testing::{Integration, Juju};
/// # fn integrate(app: &mut Juju, tempo: &mut Juju) {
/// let mut relation = Integration::new((app, "tracing"), (tempo, "tracing"));
/// for outcome in relation.run_hooks(app, tempo) {
///     assert!(outcome.success(), "{outcome}");
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Integration {
    sides: [Side; 2],
    /// The index of the side that has the next turn.
    turn: usize,
    removed: bool,
}

/// One unit's knowledge of the relation, and of the only unit at the other end.
#[derive(Debug)]
struct Side {
    unit: String,
    remote_unit: String,
    relation: Relation,
    stage: Stage,
    /// The databags that the unit can read.
    readable: Published,
    /// The databags that it could read in its last `relation-changed`.
    told: Published,
}

/// The databags of an application and its unit.
#[derive(Debug, Default, Clone)]
struct Published {
    app: BTreeMap<String, String>,
    unit: BTreeMap<String, String>,
}

/// The progress of a unit through the hooks of the relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Integrated,
    Created,
    /// The unit has joined: `relation-changed` comes next, even if nothing has changed.
    Joined,
    Idle,
    Departed,
    Broken,
}

/// A hook that is due.
#[derive(Debug, Clone, Copy)]
enum Due {
    Created,
    Joined,
    UnitChanged,
    AppChanged,
    Departed,
    Broken,
}

/// The limit of the hooks in a row: beyond it, the charms answer each other for ever.
const MOST_HOOKS: usize = 100;

impl Integration {
    /// Relates an endpoint of the first unit's application to one of the second's. No hook runs yet.
    pub fn new((one, endpoint): (&mut Juju, &str), (other, others_endpoint): (&mut Juju, &str)) -> Self {
        let units = [one.unit_name().to_owned(), other.unit_name().to_owned()];
        let sides = [Side::new(one, endpoint, &units[1]), Side::new(other, others_endpoint, &units[0])];
        Self { sides, turn: 0, removed: false }
    }

    /// Returns the relation as the first unit has it, and as the second one has it.
    #[must_use]
    pub fn relations(&self) -> [Relation; 2] {
        self.sides.each_ref().map(|side| side.relation.clone())
    }

    /// Runs the next hook that is due for this relation, if there is one. The units are those it was made of.
    ///
    /// # Panics
    /// If a unit is another one, or its charm cannot be started.
    pub fn run_next_hook(&mut self, one: &mut Juju, other: &mut Juju) -> Option<Outcome> {
        let units = [one, other];
        self.share(&units);
        for _ in 0..2 {
            let turn = self.turn;
            self.turn = 1 - turn;
            let side = &mut self.sides[turn];
            if let Some(due) = side.due(self.removed) {
                side.prepare(due);
                let outcome = units[turn].dispatch(side.event(due));
                if outcome.success() {
                    side.was_told(due);
                }
                return Some(outcome);
            }
        }
        None
    }

    /// Runs all hooks that are due, until nothing changes any more or one of them fails; returns what came of each.
    ///
    /// # Panics
    /// If that does not end after 100 hooks.
    pub fn run_hooks(&mut self, one: &mut Juju, other: &mut Juju) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        while outcomes.last().is_none_or(Outcome::success) {
            let Some(outcome) = self.run_next_hook(one, other) else { break };
            outcomes.push(outcome);
            assert!(outcomes.len() < MOST_HOOKS, "the charms answer each other for ever");
        }
        outcomes
    }

    /// Removes the relation, as `juju remove-relation` does, and runs the hooks that end it.
    pub fn remove(&mut self, one: &mut Juju, other: &mut Juju) -> Vec<Outcome> {
        self.share(&[&mut *one, &mut *other]);
        self.removed = true;
        self.run_hooks(one, other)
    }

    /// Lets each side read what the other one has published by now. What is there when the relation is removed stays.
    fn share(&mut self, units: &[&mut Juju; 2]) {
        for (reader, side) in self.sides.iter_mut().enumerate() {
            assert_eq!(units[reader].unit_name(), side.unit, "not a unit of this relation");
        }
        if self.removed {
            return;
        }
        for reader in [0, 1] {
            let writer = &self.sides[1 - reader].relation;
            let published = Published { app: writer.local_app_data(), unit: writer.local_unit_data() };
            self.sides[reader].read(published);
        }
    }
}

impl Side {
    fn new(juju: &Juju, endpoint: &str, remote_unit: &str) -> Self {
        let remote_app = remote_unit.split('/').next().unwrap_or_default();
        Self {
            unit: juju.unit_name().to_owned(),
            remote_unit: remote_unit.to_owned(),
            // The unit is not listed before it has joined.
            relation: juju.relate_without_units(endpoint, remote_app),
            stage: Stage::Integrated,
            readable: Published::default(),
            told: Published::default(),
        }
    }

    fn read(&mut self, published: Published) {
        for (key, value) in differences(&self.readable.app, &published.app) {
            self.relation.set_remote_app_data(key, value);
        }
        // Of a unit that has not joined, nothing can be read.
        if matches!(self.stage, Stage::Joined | Stage::Idle) {
            for (key, value) in differences(&self.readable.unit, &published.unit) {
                self.relation.set_remote_unit_data(&self.remote_unit, key, value);
            }
        }
        self.readable = published;
    }

    /// The order is that of Juju's agent: what ends before what changes, and applications before units.
    fn due(&self, removed: bool) -> Option<Due> {
        match self.stage {
            // A relation that nobody was told of ends without a word.
            Stage::Integrated => (!removed).then_some(Due::Created),
            Stage::Joined => Some(Due::UnitChanged),
            Stage::Idle if removed => Some(Due::Departed),
            Stage::Created | Stage::Departed if removed => Some(Due::Broken),
            Stage::Departed | Stage::Broken => None,
            Stage::Created | Stage::Idle if self.told.app != self.readable.app => Some(Due::AppChanged),
            Stage::Created => Some(Due::Joined),
            Stage::Idle => (self.told.unit != self.readable.unit).then_some(Due::UnitChanged),
        }
    }

    fn event(&self, due: Due) -> Event {
        let of_unit = |event: Event| event.by_unit(&self.remote_unit);
        match due {
            Due::Created => Event::relation_created(&self.relation),
            Due::Joined => of_unit(Event::relation_joined(&self.relation)),
            Due::UnitChanged => of_unit(Event::relation_changed(&self.relation)),
            Due::AppChanged => Event::relation_changed(&self.relation).by_application(),
            Due::Departed => of_unit(Event::relation_departed(&self.relation)),
            Due::Broken => Event::relation_broken(&self.relation),
        }
    }

    /// Lists the unit at the other end from its first hook on.
    fn prepare(&self, due: Due) {
        if let Due::Joined = due {
            for (key, value) in &self.readable.unit {
                self.relation.set_remote_unit_data(&self.remote_unit, key, value);
            }
        }
    }

    fn was_told(&mut self, due: Due) {
        match due {
            Due::Created => self.stage = Stage::Created,
            Due::Joined => self.stage = Stage::Joined,
            Due::UnitChanged => self.stage = Stage::Idle,
            Due::AppChanged => self.told.app.clone_from(&self.readable.app),
            Due::Departed => {
                self.relation.remove_remote_unit(&self.remote_unit);
                self.stage = Stage::Departed;
            }
            Due::Broken => self.stage = Stage::Broken,
        }
        if let Due::Joined | Due::UnitChanged = due {
            self.told.unit.clone_from(&self.readable.unit);
        }
    }
}

/// Returns what to write to turn one databag into another: the new values, and an empty one for each key that is gone.
fn differences<'a>(
    from: &'a BTreeMap<String, String>,
    to: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let gone = from.keys().filter(|key| !to.contains_key(*key)).map(|key| (key.as_str(), ""));
    let new = to.iter().filter(|(key, value)| from.get(*key) != Some(value));
    gone.chain(new.map(|(key, value)| (key.as_str(), value.as_str())))
}
