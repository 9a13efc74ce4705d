//! The unit: its directory, its relations, and the course of a dispatch.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tracing_relation::juju::testing::{Agent, HookContext, Model};

use super::agent::Desk;
use super::deployment::{Charm, Deployment};
use super::environment::{self, Places, RelationHook};
use super::event::{About, Event, Remote, Step};
use super::hook_tools::{HookTools, NAMES};
use super::outcome::Outcome;
use super::process;
use super::tool_fault::{Faults, ToolFault};

/// One unit of a charm, and the Juju around it.
///
/// Dispatches take `&mut self` because Juju never runs two of a unit at once. The charm directory, and with it whatever
/// the charm keeps there, lasts from one dispatch to the next, and goes when this is dropped.
#[derive(Debug)]
pub struct SimulatedJuju {
    deployment: Deployment,
    model: Model,
    relations: BTreeMap<u32, Related>,
    faults: Faults,
    tools: HookTools,
    directory: TempDir,
}

#[derive(Debug)]
struct Related {
    remote_app: String,
    remote_units: Vec<String>,
}

impl SimulatedJuju {
    pub(super) fn start(deployment: Deployment) -> io::Result<Self> {
        let model = Model::new(&deployment.unit);
        model.set_juju_version(&deployment.juju_version);
        let (relations, faults) = (BTreeMap::new(), Faults::default());
        let directory = short_directory()?;
        let tools = HookTools::install(directory.path(), !deployment.tools_are_processes)?;
        let unit = Self { deployment, model, relations, faults, tools, directory };
        unit.lay_out()?;
        Ok(unit)
    }

    /// The model as the unit sees it: leadership, databags of both sides, configuration, status, and what the hook
    /// tools are to answer.
    ///
    /// Relations are added with [`SimulatedJuju::add_relation`], so that their hooks know whom they are about.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The directory the charm runs in.
    #[must_use]
    pub fn charm_dir(&self) -> PathBuf {
        self.directory.path().join("charm")
    }

    /// Relates the unit's application to another and returns the relation's id. No hook runs by itself.
    #[must_use = "the id is how the relation is named later"]
    pub fn add_relation(&mut self, endpoint: &str, remote_app: &str, remote_units: &[&str]) -> u32 {
        let id = self.model.add_relation(endpoint, remote_app, remote_units);
        let remote_units = remote_units.iter().map(|&unit| unit.to_owned()).collect();
        self.relations.insert(id, Related { remote_app: remote_app.to_owned(), remote_units });
        id
    }

    /// Removes a relation without its hooks, as a removal by force does.
    pub fn remove_relation(&mut self, id: u32) {
        self.model.remove_relation(id);
        self.relations.remove(&id);
    }

    /// Lets the other side of a `tracing` relation say where it receives traces over OTLP/HTTP, in the words of Tempo's
    /// charm. No hook runs by itself.
    pub fn publish_endpoint(&self, relation: u32, endpoint: &str) {
        // Spelled out: what is tested must not be what writes the test's input.
        let receivers =
            format!(r#"[{{"protocol": {{"name": "otlp_http", "type": "http"}}, "url": "{endpoint}"}}]"#);
        self.model.set_remote_app_data(relation, "receivers", &receivers);
    }

    /// Breaks a hook tool from the next dispatch on, or mends it.
    pub fn break_tool(&self, tool: &str, fault: impl Into<Option<ToolFault>>) {
        self.break_tool_for(tool, "", fault);
    }

    /// Breaks or mends a hook tool only for calls that have this argument, such as `tracing:3`, the id of a relation.
    ///
    /// # Panics
    /// If it is to be missing for them.
    pub fn break_tool_for(&self, tool: &str, argument: &str, fault: impl Into<Option<ToolFault>>) {
        let fault = fault.into();
        self.faults.set(tool, argument, fault);
        if fault == Some(ToolFault::Missing) {
            self.tools.unlink(tool);
        } else {
            self.tools.link(tool).expect("tools can be linked");
        }
    }

    /// Starts the charm for an event and waits until it has ended.
    ///
    /// The charm's changes of databags take effect if its exit code is 0 and are dropped otherwise. After a
    /// successful `relation-broken` the relation is gone.
    ///
    /// # Panics
    /// If the charm cannot be started, or the event is about a relation that was not added.
    #[expect(clippy::needless_pass_by_value, reason = "an event happens once")]
    pub fn dispatch(&mut self, event: Event) -> Outcome {
        let relation = self.relation_of(&event);
        let context = context_of(&event, relation.as_ref());
        let context_id = format!("{}-{}-{}", self.deployment.unit, event.name(), random());
        let (charm, socket) = (self.charm_dir(), self.socket());
        let places = Places { charm: &charm, tools: self.tools.directory(), socket: &socket };
        let mut command = Command::new(charm.join("dispatch"));
        command.current_dir(&charm).env_clear();
        command.envs(environment::variables(
            &self.deployment,
            places,
            &context_id,
            &event,
            relation.as_ref(),
        ));

        self.model.clear_calls();
        let logged_before = self.model.log().len();
        self.model.begin_hook(context.clone());
        let desk = Desk {
            context_id: context_id.clone(),
            context,
            model: self.model.clone(),
            faults: self.faults.clone(),
            tools_are_processes: self.deployment.tools_are_processes,
        };
        let agent = Agent::listen(&socket, move |request| desk.answer(request))
            .expect("the unit's directory takes a socket");
        let finished = process::run(&mut command, event.limit, self.directory.path());
        drop(agent);
        let finished = finished.expect("the charm can be started");

        if finished.status.success() {
            self.model.commit_hook();
        } else {
            self.model.abort_hook();
        }
        let outcome = Outcome {
            unit: self.deployment.unit.clone(),
            event: event.name().to_owned(),
            status: finished.status,
            stdout: String::from_utf8_lossy(&finished.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&finished.stderr).into_owned(),
            wall: finished.wall,
            log: self.model.log().split_off(logged_before),
            calls: self.model.calls(),
            action: matches!(event.about, About::Action { .. }).then(|| self.model.action_outcome()),
            context_id,
        };
        if let Some(RelationHook { step: Step::Broken, id, .. }) = relation
            && outcome.success()
        {
            self.remove_relation(id);
        }
        outcome
    }

    fn relation_of(&self, event: &Event) -> Option<RelationHook> {
        let About::Relation { id, step, remote } = &event.about else { return None };
        let known = self.relations.get(id);
        let related = known.unwrap_or_else(|| panic!("no relation {id} was added for {}", event.path));
        let endpoint = event.name().rsplit_once("-relation-").map_or(event.name(), |(endpoint, _)| endpoint);
        Some(RelationHook {
            endpoint: endpoint.to_owned(),
            id: *id,
            step: *step,
            remote_app: related.remote_app.clone(),
            remote_unit: match remote {
                Remote::First => related.remote_units.first().cloned(),
                Remote::Unit(unit) => Some(unit.clone()),
                Remote::Application => None,
            },
        })
    }

    /// Where the agent listens: an abstract socket before Juju 4.
    fn socket(&self) -> String {
        let path = self.directory.path().join("agent.socket");
        let abstract_mark = if self.deployment.juju_version.starts_with(['2', '3']) { "@" } else { "" };
        format!("{abstract_mark}{}", path.display())
    }

    fn lay_out(&self) -> io::Result<()> {
        let charm = self.charm_dir();
        fs::create_dir(&charm)?;
        for name in NAMES {
            self.tools.link(name)?;
        }
        let dispatch = charm.join("dispatch");
        match &self.deployment.charm {
            Charm::Binary(program) => symlink(existing(program)?, dispatch)?,
            Charm::Script(text) => {
                fs::write(&dispatch, text)?;
                fs::set_permissions(dispatch, PermissionsExt::from_mode(0o755))?;
            }
        }
        for (name, text) in &self.deployment.files {
            if let Some(text) = text {
                fs::write(charm.join(name), text)?;
            }
        }
        Ok(())
    }
}

/// Returns what the hook tools are told about the hook.
fn context_of(event: &Event, relation: Option<&RelationHook>) -> HookContext {
    match (&event.about, relation) {
        (About::Action { parameters }, _) => HookContext::action(parameters.clone()),
        (_, Some(RelationHook { endpoint, id, remote_app, remote_unit, step })) => {
            match (step, remote_unit.as_deref()) {
                (Step::Departed, Some(unit)) => {
                    HookContext::relation_departed(endpoint, *id, remote_app, unit)
                }
                (Step::Broken, _) => HookContext::relation_broken(endpoint, *id, remote_app),
                (_, remote_unit) => HookContext::relation(endpoint, *id, remote_app, remote_unit),
            }
        }
        _ if matches!(event.name(), "collect-metrics" | "meter-status-changed") => HookContext::restricted(),
        _ => HookContext::new(),
    }
}

/// A new directory in which a socket's path stays below the 104 bytes that every system takes.
fn short_directory() -> io::Result<TempDir> {
    let usual = env::temp_dir();
    let refused = |error: io::Error| {
        let text =
            format!("cannot make a directory in {}: {error}; TMPDIR may name another place", usual.display());
        io::Error::new(error.kind(), text)
    };
    // The charm runs in another directory, where a relative path would name something else.
    let usual = usual.canonicalize().map_err(refused)?;
    let root = if usual.as_os_str().len() > 64 { Path::new("/tmp") } else { &usual };
    tempfile::Builder::new().prefix("juju-").tempdir_in(root).map_err(refused)
}

/// Links hold the path as it is given, and are followed from another directory.
fn existing(program: &Path) -> io::Result<PathBuf> {
    program
        .canonicalize()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot find {}: {error}", program.display())))
}

/// Enough to tell contexts apart; the standard library has no other source of randomness.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id()) >> 1
}
