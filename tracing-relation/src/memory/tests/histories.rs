//! Random histories of a model, as a unit with a memory sees them and a charm without one.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::unit::{A_URL, Unit};
use crate::ReceiverProtocol::{self, OtlpHttp};
use crate::juju::Dispatch;
use crate::juju::testing::HookContext;
use crate::{CertificateTransferRequirer, Relation, TracingEndpointRequirer, charm_tracing_config};

/// The charm's endpoints: two for traces, and one for certificates.
const ENDPOINTS: [&str; 3] = ["tracing", "tracing-relation", "receive-ca"];
const CERTIFICATES: usize = 2;

/// The applications that may be related, each once at a time, and to which of the endpoints.
const APPLICATIONS: [(&str, usize); 4] =
    [("tempo", 0), ("collector", 1), ("ca", CERTIFICATES), ("other-ca", CERTIFICATES)];

const URLS: [&str; 4] = ["", A_URL, "http://b:4318", "http://c:4318"];

/// An event in a model, or in a unit's dispatches.
#[derive(Clone, Copy, Debug)]
enum Step {
    Relate(usize),
    Remove(usize),
    /// A backend publishes one of some URLs, or none.
    Publish(usize, usize),
    /// An authority publishes some certificates in version 1, or takes them all back, or never had that version.
    PublishCertificates(usize, u8),
    /// A unit of an authority publishes a certificate in version 0, or none. It joins if it is not there.
    PublishAsUnit(usize, u8, u8),
    Depart(usize, u8),
    SetLeader(bool),
    /// The next event that Juju has for the unit, how its dispatch ends, and which endpoints it looks at. If the hook fails
    /// it is run again.
    Next(Ending, Looks),
    /// The operator leaves it at a hook that has failed: `juju resolved --no-retry`.
    Skip,
    /// Another event in between.
    Unrelated(Ending, Looks),
    Restart(Ending, Looks),
    Days(u8),
    Damage(u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Success,
    HookFails,
    DeliveryFails,
    /// After the session has started, before the charm is constructed.
    KilledEarly,
    KilledLate,
}

type Looks = [bool; ENDPOINTS.len()];

const AT_ALL: Looks = [true; ENDPOINTS.len()];

fn step() -> impl Strategy<Value = Step> {
    use Ending::{DeliveryFails, HookFails, KilledEarly, KilledLate, Success};
    let ending = || {
        prop_oneof![
            6 => Just(Success), 1 => Just(HookFails), 1 => Just(DeliveryFails), 1 => Just(KilledEarly),
            1 => Just(KilledLate),
        ]
    };
    let looks = || prop_oneof![3 => Just(AT_ALL), 2 => any::<Looks>()];
    let (backend, authority) = (|| 0..2_usize, || 2..4_usize);
    prop_oneof![
        3 => (0..APPLICATIONS.len()).prop_map(Step::Relate),
        3 => (0..APPLICATIONS.len()).prop_map(Step::Remove),
        4 => (backend(), 0..URLS.len()).prop_map(|(application, url)| Step::Publish(application, url)),
        3 => (authority(), 0..9_u8).prop_map(|(application, which)| Step::PublishCertificates(application, which)),
        4 => (authority(), 0..3_u8, 0..4_u8)
            .prop_map(|(application, unit, which)| Step::PublishAsUnit(application, unit, which)),
        2 => (authority(), 0..3_u8).prop_map(|(application, unit)| Step::Depart(application, unit)),
        1 => any::<bool>().prop_map(Step::SetLeader),
        10 => (ending(), looks()).prop_map(|(ending, looks)| Step::Next(ending, looks)),
        3 => Just(Step::Skip),
        8 => (ending(), looks()).prop_map(|(ending, looks)| Step::Unrelated(ending, looks)),
        1 => (ending(), looks()).prop_map(|(ending, looks)| Step::Restart(ending, looks)),
        1 => (0..3_u8).prop_map(Step::Days),
        1 => any::<u8>().prop_map(Step::Damage),
    ]
}

/// An event that Juju has still to tell the unit.
#[derive(Clone, Debug)]
enum Due {
    Relation { event: &'static str, application: usize, id: u32, unit: Option<String> },
    LeaderElected,
}

#[derive(Debug)]
struct Related {
    id: u32,
    units: BTreeSet<String>,
}

struct History {
    unit: Unit,
    /// By application.
    related: [Option<Related>; APPLICATIONS.len()],
    due: VecDeque<Due>,
    /// The hook of the first that is due has failed.
    failed: bool,
    /// The relations that have seen their `relation-broken`. Juju lists them until that hook has succeeded.
    ended: BTreeSet<u32>,
    /// By endpoint, what a charm without a memory would have found at any time since the last event was dispatched that
    /// may have changed it.
    since_last_event: [Vec<Found>; ENDPOINTS.len()],
}

/// The URL, or the certificates.
type Found = BTreeSet<String>;

impl History {
    fn new(leader: bool) -> Self {
        let related = [const { None }; APPLICATIONS.len()];
        let since_last_event = ENDPOINTS.map(|_| vec![Found::new()]);
        let (due, ended) = (VecDeque::new(), BTreeSet::new());
        Self { unit: Unit::new(leader), related, due, failed: false, ended, since_last_event }
    }

    fn play(mut self, steps: &[Step]) {
        for step in steps {
            self.take(*step);
            for (endpoint, found) in self.uncached().into_iter().enumerate() {
                self.since_last_event[endpoint].push(found);
            }
        }
        // When all has been told, both know the same.
        while !self.due.is_empty() {
            self.next(Ending::Success, AT_ALL);
        }
        // The first may have something to publish, which the second reads.
        for _ in 0..2 {
            self.unrelated(Ending::Success, AT_ALL);
        }
        let dispatch = self.unit.begin(&vars("update-status"));
        let found = [0, 1, 2].map(|endpoint| find(&dispatch, endpoint, &[OtlpHttp]));
        assert_eq!(self.unit.juju.calls().len(), 0, "nothing is left to ask");
        assert_eq!(found, self.uncached(), "after all events");
        for backend in self.related[..CERTIFICATES].iter().flatten() {
            if self.unit.juju.is_leader() {
                let asked = &self.unit.juju.local_app_data(backend.id)["receivers"];
                assert_eq!(asked, r#"["otlp_http"]"#, "it has asked in the end");
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Relate(application) => self.relate(application),
            Step::Remove(application) => self.remove(application),
            Step::Publish(application, url) => {
                if let Some(Related { id, .. }) = self.related[application] {
                    self.unit.publish(id, URLS[url]);
                    self.tell("changed", application, id, None);
                }
            }
            Step::PublishCertificates(application, which) => {
                if let Some(Related { id, .. }) = self.related[application] {
                    let version_1 = (which < 8).then(|| json!(certificates(which)).to_string());
                    let version = version_1.as_ref().map_or("", |_| "1");
                    self.unit.juju.set_remote_app_data(id, "version", version);
                    let certificates = version_1.unwrap_or_default();
                    self.unit.juju.set_remote_app_data(id, "certificates", &certificates);
                    self.tell("changed", application, id, None);
                }
            }
            Step::PublishAsUnit(application, unit, which) => {
                let unit = format!("{}/{unit}", APPLICATIONS[application].0);
                if let Some(Related { id, units }) = &mut self.related[application] {
                    let certificate = certificates(1 << which).concat();
                    self.unit.juju.set_remote_unit_data(*id, &unit, "ca", &certificate);
                    let (id, joins) = (*id, units.insert(unit.clone()));
                    for event in ["joined", "changed"].into_iter().skip(usize::from(!joins)) {
                        self.tell(event, application, id, Some(unit.clone()));
                    }
                }
            }
            Step::Depart(application, unit) => {
                let unit = format!("{}/{unit}", APPLICATIONS[application].0);
                if let Some(Related { id, units }) = &mut self.related[application]
                    && units.remove(&unit)
                {
                    let id = *id;
                    self.unit.juju.remove_remote_unit(id, &unit);
                    self.tell("departed", application, id, Some(unit));
                }
            }
            Step::SetLeader(leads) => {
                if leads && !self.unit.juju.is_leader() {
                    self.due.push_back(Due::LeaderElected);
                }
                self.unit.juju.set_leader(leads);
            }
            Step::Next(ending, looks) => self.next(ending, looks),
            Step::Skip if self.failed => self.done(),
            Step::Unrelated(ending, looks) => self.unrelated(ending, looks),
            Step::Restart(ending, looks) => self.begin_anew("start", ending, looks),
            Step::Days(days) => self.unit.now += Duration::from_secs(u64::from(days) * 13 * 60 * 60),
            // Between the failure of a relation's last hook and its end nobody but the file knows of it.
            Step::Damage(how) if self.ended.is_empty() => self.damage(how),
            Step::Skip | Step::Damage(_) => {}
        }
    }

    fn relate(&mut self, application: usize) {
        if self.related[application].is_some() {
            return;
        }
        let (name, endpoint) = APPLICATIONS[application];
        let first = format!("{name}/0");
        let id = self.unit.juju.add_relation(ENDPOINTS[endpoint], name, &[&first]);
        self.related[application] = Some(Related { id, units: BTreeSet::from([first.clone()]) });
        self.tell("created", application, id, None);
        for event in ["joined", "changed"] {
            self.tell(event, application, id, Some(first.clone()));
        }
    }

    fn remove(&mut self, application: usize) {
        let Some(Related { id, units }) = self.related[application].take() else { return };
        // What was still to be told of it is not told any more.
        let first = if self.failed { self.due.pop_front() } else { None };
        self.due.retain(|due| !matches!(due, Due::Relation { id: of, .. } if *of == id));
        self.due.extend(first);
        // A hook that has failed is still the next.
        self.due.rotate_right(usize::from(self.failed));
        for unit in units {
            self.unit.juju.remove_remote_unit(id, &unit);
            self.tell("departed", application, id, Some(unit));
        }
        self.tell("broken", application, id, None);
    }

    fn tell(&mut self, event: &'static str, application: usize, id: u32, unit: Option<String>) {
        self.due.push_back(Due::Relation { event, application, id, unit });
    }

    fn next(&mut self, ending: Ending, looks: Looks) {
        match self.due.front().cloned() {
            None => return,
            Some(Due::LeaderElected) => self.begin_anew("leader-elected", ending, looks),
            Some(Due::Relation { event, application, id, unit }) => {
                let (name, endpoint) = APPLICATIONS[application];
                self.since_last_event[endpoint].clear();
                if event == "broken" {
                    self.ended.insert(id);
                }
                let hook = format!("{}-relation-{event}", ENDPOINTS[endpoint]);
                let departing = unit.as_deref().filter(|_| event == "departed").unwrap_or_default();
                let relation = [
                    ("JUJU_RELATION", ENDPOINTS[endpoint]),
                    ("JUJU_RELATION_ID", &format!("{}:{id}", ENDPOINTS[endpoint])),
                    ("JUJU_REMOTE_APP", name),
                    ("JUJU_REMOTE_UNIT", unit.as_deref().unwrap_or_default()),
                    ("JUJU_DEPARTING_UNIT", departing),
                ];
                self.dispatch(&[&vars(&hook)[..], &relation].concat(), ending, looks);
            }
        }
        self.failed = !matches!(ending, Ending::Success | Ending::DeliveryFails);
        if !self.failed {
            self.done();
        }
    }

    /// Juju has no more to do for the first event that is due.
    fn done(&mut self) {
        self.failed = false;
        if let Some(Due::Relation { event: "broken", id, .. }) = self.due.pop_front() {
            self.unit.juju.remove_relation(id);
            self.ended.remove(&id);
        }
    }

    fn unrelated(&mut self, ending: Ending, looks: Looks) {
        self.dispatch(&vars("update-status"), ending, looks);
    }

    /// A hook in which everything is asked again.
    fn begin_anew(&mut self, hook: &str, ending: Ending, looks: Looks) {
        self.since_last_event.iter_mut().for_each(Vec::clear);
        self.dispatch(&vars(hook), ending, looks);
    }

    /// Runs a whole dispatch, in which nothing is found that an event has withdrawn: only what a charm without a memory
    /// finds, or would have found after the last event.
    fn dispatch(&mut self, vars: &[(&str, &str)], ending: Ending, looks: Looks) {
        let dispatch = self.unit.begin(vars);
        if ending == Ending::KilledEarly {
            return self.unit.juju.abort_hook();
        }
        for endpoint in (0..ENDPOINTS.len()).filter(|endpoint| looks[*endpoint]) {
            let found = find(&dispatch, endpoint, &[OtlpHttp]);
            let since = &mut self.since_last_event[endpoint];
            since.push(find_now(&self.unit.without_memory(vars), endpoint, &self.ended));
            assert!(since.contains(&found), "{}: {found:?} is none of {since:?}", ENDPOINTS[endpoint]);
        }
        match ending {
            Ending::DeliveryFails => dispatch.forget_relations(),
            Ending::KilledEarly | Ending::KilledLate => {}
            Ending::Success | Ending::HookFails => dispatch.remember_relations(),
        }
        if matches!(ending, Ending::Success | Ending::DeliveryFails) {
            self.unit.juju.commit_hook();
        } else {
            self.unit.juju.abort_hook();
        }
    }

    /// Returns the facts that a charm without a memory finds in a dispatch about no relation.
    fn uncached(&self) -> [Found; ENDPOINTS.len()] {
        let dispatch = self.unit.without_memory(&vars("update-status"));
        self.unit.juju.begin_hook(HookContext::from_dispatch(&dispatch));
        let found = [0, 1, 2].map(|endpoint| find_now(&dispatch, endpoint, &self.ended));
        self.unit.juju.abort_hook();
        found
    }

    fn damage(&self, how: u8) {
        if let Ok(mut content) = std::fs::read(self.unit.file())
            && !content.is_empty()
        {
            let at = usize::from(how) * content.len() / 256;
            if how.is_multiple_of(2) {
                content.truncate(at);
            } else {
                content[at] ^= how;
            }
            std::fs::write(self.unit.file(), content).expect("written");
        }
    }
}

fn find(dispatch: &Dispatch, endpoint: usize, protocols: &[ReceiverProtocol]) -> Found {
    if endpoint == CERTIFICATES {
        let authorities = CertificateTransferRequirer::new(dispatch, ENDPOINTS[endpoint]);
        return authorities.expect("it is in the metadata").certificates().expect("no tool fails");
    }
    let requirer = TracingEndpointRequirer::new(dispatch, ENDPOINTS[endpoint], protocols);
    let config = charm_tracing_config(&requirer.expect("it is in the metadata"), None);
    config.expect("no tool fails").endpoint.into_iter().collect()
}

/// Returns those facts about the relations that have not ended, each asked for by itself.
fn find_now(dispatch: &Dispatch, endpoint: usize, ended: &BTreeSet<u32>) -> Found {
    let there =
        |relations: Vec<Relation>| relations.into_iter().filter(|relation| !ended.contains(&relation.id));
    if endpoint == CERTIFICATES {
        let authorities =
            CertificateTransferRequirer::new(dispatch, ENDPOINTS[endpoint]).expect("in the metadata");
        let relations = there(authorities.relations().expect("no tool fails"));
        return relations.flat_map(|of| authorities.certificates_on(&of).expect("no tool fails")).collect();
    }
    let requirer = TracingEndpointRequirer::new(dispatch, ENDPOINTS[endpoint], &[]).expect("in the metadata");
    let mut relations = there(requirer.relations().expect("no tool fails"));
    let ready = relations.next().filter(|of| requirer.is_ready_on(of).expect("no tool fails"));
    let url = ready.and_then(|of| requirer.get_endpoint_on(OtlpHttp, &of).expect("no tool fails"));
    url.into_iter().collect()
}

fn vars(hook: &str) -> [(&'static str, &str); 1] {
    [("JUJU_HOOK_NAME", hook)]
}

/// Texts in place of certificates, one for each of three bits; no code reads them.
fn certificates(which: u8) -> Vec<String> {
    let pem = |text| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let all = ["AAAA", "BBBB", "CCCC"].into_iter().enumerate();
    all.filter(|(bit, _)| which >> bit & 1 == 1).map(|(_, text)| pem(text)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn no_endpoint_is_used_and_no_certificate_trusted_that_an_event_has_withdrawn(
        steps in vec(step(), 1..80),
        leader: bool,
    ) {
        History::new(leader).play(&steps);
    }
}
