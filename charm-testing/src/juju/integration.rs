//! Two units whose applications are related, and the hooks that Juju runs for it.

use std::collections::BTreeMap;

use super::event::Event;
use super::outcome::Outcome;
use super::simulated_juju::SimulatedJuju;

/// A relation between the applications of two units, as `juju integrate` makes it: what one of them publishes, the
/// other one can read, and is told about by the hooks that are due then.
///
/// Each unit gets its hooks in the order of Juju's agent, the two of them take turns. A hook that fails is run again
/// when its unit has the next turn, with the same news, as after `juju resolved`.
///
/// ```no_run
/// # use charm_testing::juju::{Integration, SimulatedJuju};
/// # fn integrate(app: &mut SimulatedJuju, tempo: &mut SimulatedJuju) {
/// let mut relation = Integration::new((app, "tracing"), (tempo, "tracing"));
/// for outcome in relation.settle(app, tempo) {
///     assert!(outcome.success(), "{outcome}");
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Integration {
    sides: [Side; 2],
    /// Whose turn it is.
    turn: usize,
    removed: bool,
}

/// One unit's knowledge of the relation, and of the only unit at the other end.
#[derive(Debug)]
struct Side {
    unit: String,
    remote_unit: String,
    endpoint: String,
    id: u32,
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

/// How far the hooks of a unit are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Integrated,
    Created,
    /// Here, `relation-changed` comes next, whether anything changed or not.
    Joined,
    Settled,
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

/// More hooks than this do not settle: the charms answer each other for ever.
const MOST_HOOKS: usize = 100;

impl Integration {
    /// Relates an endpoint of the first unit's application to one of the second's. No hook runs yet.
    pub fn new(
        (one, endpoint): (&mut SimulatedJuju, &str),
        (other, others_endpoint): (&mut SimulatedJuju, &str),
    ) -> Self {
        let units = [one.model().unit_name(), other.model().unit_name()];
        let sides = [Side::new(one, endpoint, &units[1]), Side::new(other, others_endpoint, &units[0])];
        Self { sides, turn: 0, removed: false }
    }

    /// The ids that the relation has at either end.
    #[must_use]
    pub fn ids(&self) -> (u32, u32) {
        (self.sides[0].id, self.sides[1].id)
    }

    /// Runs the next hook that is due for this relation, or none. The units are those it was made of.
    pub fn step(&mut self, one: &mut SimulatedJuju, other: &mut SimulatedJuju) -> Option<Outcome> {
        let units = [one, other];
        self.share(&units);
        for _ in 0..2 {
            let turn = self.turn;
            self.turn = 1 - turn;
            let side = &mut self.sides[turn];
            if let Some(due) = side.due(self.removed) {
                side.prepare(due, units[turn]);
                let outcome = units[turn].dispatch(side.event(due));
                if outcome.success() {
                    side.was_told(due, units[turn]);
                }
                return Some(outcome);
            }
        }
        None
    }

    /// Runs all hooks that are due, until nothing changes any more or one of them fails; returns what came of each.
    ///
    /// # Panics
    /// If that does not come to an end.
    pub fn settle(&mut self, one: &mut SimulatedJuju, other: &mut SimulatedJuju) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        while outcomes.last().is_none_or(Outcome::success)
            && let Some(outcome) = self.step(one, other)
        {
            outcomes.push(outcome);
            assert!(outcomes.len() < MOST_HOOKS, "the charms answer each other for ever");
        }
        outcomes
    }

    /// Removes the relation, as `juju remove-relation` does, and runs the hooks that end it.
    pub fn remove(&mut self, one: &mut SimulatedJuju, other: &mut SimulatedJuju) -> Vec<Outcome> {
        self.share(&[&mut *one, &mut *other]);
        self.removed = true;
        self.settle(one, other)
    }

    /// Lets each side read what the other one has published by now. What is there when the relation is removed stays.
    fn share(&mut self, units: &[&mut SimulatedJuju; 2]) {
        for (reader, side) in self.sides.iter_mut().enumerate() {
            assert_eq!(units[reader].model().unit_name(), side.unit, "not a unit of this relation");
        }
        if self.removed {
            return;
        }
        for reader in [0, 1] {
            let (writer, id) = (units[1 - reader].model(), self.sides[1 - reader].id);
            let published = Published { app: writer.local_app_data(id), unit: writer.local_unit_data(id) };
            self.sides[reader].read(published, units[reader]);
        }
    }
}

impl Side {
    fn new(juju: &mut SimulatedJuju, endpoint: &str, remote_unit: &str) -> Self {
        let remote_app = remote_unit.split('/').next().unwrap_or_default();
        Self {
            unit: juju.model().unit_name(),
            remote_unit: remote_unit.to_owned(),
            endpoint: endpoint.to_owned(),
            // The unit is not listed before it has joined.
            id: juju.add_relation(endpoint, remote_app, &[]),
            stage: Stage::Integrated,
            readable: Published::default(),
            told: Published::default(),
        }
    }

    fn read(&mut self, published: Published, juju: &SimulatedJuju) {
        for (key, value) in differences(&self.readable.app, &published.app) {
            juju.model().set_remote_app_data(self.id, key, value);
        }
        // Of a unit that has not joined, nothing can be read.
        if matches!(self.stage, Stage::Joined | Stage::Settled) {
            for (key, value) in differences(&self.readable.unit, &published.unit) {
                juju.model().set_remote_unit_data(self.id, &self.remote_unit, key, value);
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
            Stage::Settled if removed => Some(Due::Departed),
            Stage::Created | Stage::Departed if removed => Some(Due::Broken),
            Stage::Departed | Stage::Broken => None,
            Stage::Created | Stage::Settled if self.told.app != self.readable.app => Some(Due::AppChanged),
            Stage::Created => Some(Due::Joined),
            Stage::Settled => (self.told.unit != self.readable.unit).then_some(Due::UnitChanged),
        }
    }

    fn event(&self, due: Due) -> Event {
        let of_unit = |event: Event| event.remote_unit(&self.remote_unit);
        match due {
            Due::Created => Event::relation_created(&self.endpoint, self.id),
            Due::Joined => of_unit(Event::relation_joined(&self.endpoint, self.id)),
            Due::UnitChanged => of_unit(Event::relation_changed(&self.endpoint, self.id)),
            Due::AppChanged => Event::relation_changed(&self.endpoint, self.id).remote_application(),
            Due::Departed => of_unit(Event::relation_departed(&self.endpoint, self.id)),
            Due::Broken => Event::relation_broken(&self.endpoint, self.id),
        }
    }

    /// Lists the unit at the other end from its first hook on.
    fn prepare(&self, due: Due, juju: &SimulatedJuju) {
        if let Due::Joined = due {
            for (key, value) in &self.readable.unit {
                juju.model().set_remote_unit_data(self.id, &self.remote_unit, key, value);
            }
        }
    }

    fn was_told(&mut self, due: Due, juju: &SimulatedJuju) {
        match due {
            Due::Created => self.stage = Stage::Created,
            Due::Joined => self.stage = Stage::Joined,
            Due::UnitChanged => self.stage = Stage::Settled,
            Due::AppChanged => self.told.app.clone_from(&self.readable.app),
            Due::Departed => {
                juju.model().remove_remote_unit(self.id, &self.remote_unit);
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
