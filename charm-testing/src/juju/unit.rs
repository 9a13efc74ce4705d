//! The unit: its deployment, its state in Juju, and the course of a dispatch.

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tracing_relation::juju::Dispatch;
use tracing_relation::juju::testing::{Agent, HookContext, Model};

use super::agent::Desk;
use super::charm_files::ConfigOption;
use super::deployment::Deployment;
use super::environment::{self, Places};
use super::event::{About, Event, Step};
use super::hook_tools::{self, HookTools};
use super::outcome::Outcome;
use super::relation::Relation;
use super::secret::Secret;
use super::storage::Storage;
use super::tool_fault::{Faults, ToolFault};
use super::{charm_files, process};
use crate::queue::{self, WaitingTrace};

/// One unit of a charm, and a small Juju around it.
///
/// The methods that return `Self` deploy the charm; call them first. The others change what Juju knows of the unit, at any
/// time. The charm directory, and with it the files that the charm keeps there, lasts from one dispatch to the next, and is
/// removed when this is dropped.
///
/// The defaults are those of a new unit on a machine: unit 0, a follower, without relations, and the configuration that the
/// charm declares. Juju is version 3.6.
#[derive(Debug)]
pub struct Juju {
    deployment: Deployment,
    /// True if a test has named the unit; else it has the charm's name.
    is_named: bool,
    /// The options of the configuration that the charm declares.
    options: Vec<ConfigOption>,
    model: Model,
    faults: Faults,
    tools: HookTools,
    directory: TempDir,
}

impl Juju {
    /// Deploys a charm, which is this program: `env!("CARGO_BIN_EXE_my-charm")`, of a package with such a binary.
    ///
    /// The files `charmcraft.yaml`, `metadata.yaml`, `config.yaml` and `actions.yaml` of the package go into the charm
    /// directory. They give the application its name, and the configuration its defaults. Without such a file the
    /// application has the program's name. Nothing runs before the first dispatch.
    ///
    /// # Panics
    /// If there is no such program, or no directory can be made; see [`Juju::try_new`].
    #[must_use]
    #[track_caller]
    pub fn new(charm: impl AsRef<Path>) -> Self {
        match Self::try_new(charm) {
            Ok(juju) => juju,
            Err(error) => panic!("{error}"),
        }
    }

    /// Deploys a charm like [`Juju::new`], but returns why it is impossible.
    ///
    /// # Errors
    /// If the program is missing, or no directory can be made where `TMPDIR` says.
    pub fn try_new(charm: impl AsRef<Path>) -> io::Result<Self> {
        let charm = charm.as_ref();
        // A link holds the path as it is given, and is followed from another directory.
        let program = charm.canonicalize().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot find {}: {error}", charm.display()))
        })?;
        let name = charm.file_name().unwrap_or_default().to_string_lossy();
        let juju = Self::lay_out(&name)?;
        symlink(program, juju.dispatch_path())?;
        Ok(juju)
    }

    /// Deploys a charm, which is this script. It begins with `#!`. The application is called `app`, if the package has no
    /// charm.
    ///
    /// # Panics
    /// If no directory can be made.
    #[must_use]
    pub fn from_script(script: &str) -> Self {
        let juju = Self::lay_out("app").unwrap_or_else(|error| panic!("{error}"));
        juju.write("dispatch", script);
        fs::set_permissions(juju.dispatch_path(), PermissionsExt::from_mode(0o755))
            .expect("it is this user's");
        juju
    }

    /// Names the unit, such as `my-charm/3`, and with it the application.
    #[must_use]
    pub fn unit(mut self, name: &str) -> Self {
        self.is_named = true;
        self.name_unit(name.to_owned());
        self
    }

    /// Sets the name and the UUID of the model.
    #[must_use]
    pub fn model(mut self, name: &str, uuid: &str) -> Self {
        name.clone_into(&mut self.deployment.model_name);
        uuid.clone_into(&mut self.deployment.model_uuid);
        self
    }

    /// Sets the version of Juju, from `2.9` to `4.1`. It decides which variables and hook tools there are, how errors of
    /// hook tools are worded, and where the agent listens.
    #[must_use]
    pub fn juju_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.deployment.juju_version);
        self.model.set_juju_version(version);
        self
    }

    /// Gives the charm this `charmcraft.yaml`, instead of the files of the package.
    ///
    /// # Panics
    /// If the file cannot be written.
    #[must_use]
    pub fn charmcraft(self, text: &str) -> Self {
        self.without_description().file("charmcraft.yaml", text)
    }

    /// Gives the charm this `metadata.yaml`, instead of the files of the package. [`Juju::file`] replaces only one of them.
    ///
    /// # Panics
    /// If the file cannot be written.
    #[must_use]
    pub fn metadata(self, text: &str) -> Self {
        self.without_description().file("metadata.yaml", text)
    }

    /// Puts a file into the charm directory. `charmcraft.yaml`, `metadata.yaml` and `config.yaml` also have their effect on
    /// the application's name and on the configuration.
    ///
    /// # Panics
    /// If the file cannot be written.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.write(name, text);
        self.describe(name, text);
        self
    }

    /// Leaves a file out of the charm directory.
    #[must_use]
    pub fn without_file(self, name: &str) -> Self {
        _ = fs::remove_file(self.charm_dir().join(name));
        self
    }

    /// Makes each hook tool a process, as it is for a charm that does not ask the agent itself. The tools on `PATH` are then
    /// not links to Juju's own program, so that `tracing-relation` obeys them.
    ///
    /// # Panics
    /// If the hook tools cannot be renamed.
    #[must_use]
    pub fn over_processes(mut self) -> Self {
        self.tools.shadow_jujus_own().expect("the unit's directory can be written");
        self
    }

    /// Makes the unit the leader, or a follower.
    pub fn set_leader(&mut self, leader: bool) {
        self.model.set_leader(leader);
    }

    /// Sets an option of the configuration. Tell the charm with [`Event::config_changed`].
    pub fn set_config(&mut self, option: &str, value: impl Into<Value>) {
        self.model.set_config(option, value.into());
    }

    /// Sets an option of the configuration as `juju config` does: the text is read as the type that the charm declares.
    ///
    /// # Errors
    /// If the charm declares no such option, or one of another type.
    pub fn set_config_text(&mut self, option: &str, text: &str) -> Result<(), String> {
        let declared = self.options.iter().find(|declared| declared.name == option);
        let declared = declared.ok_or_else(|| format!("the charm has no option {option}"))?;
        let value = declared.value(text);
        let value =
            value.ok_or_else(|| format!("{text} is no {}, which the option {option} is", declared.kind))?;
        self.model.set_config(option, value);
        Ok(())
    }

    /// Relates the application's endpoint to another application, which has one unit: `tempo/0` of `tempo`. A relation to
    /// the own application is a peer relation, and has no other units.
    ///
    /// No hook runs by itself. Juju would run [`Event::relation_created`], [`Event::relation_joined`] and
    /// [`Event::relation_changed`].
    pub fn relate(&mut self, endpoint: &str, remote_app: &str) -> Relation {
        let relation = self.relate_without_units(endpoint, remote_app);
        if remote_app != self.deployment.application() {
            relation.add_remote_unit(&format!("{remote_app}/0"));
        }
        relation
    }

    pub(super) fn relate_without_units(&self, endpoint: &str, remote_app: &str) -> Relation {
        Relation::new(&self.model, endpoint, remote_app)
    }

    /// Adds a secret of another application, or of the user, that is granted to the application.
    pub fn add_secret(&mut self, content: &[(&str, &str)]) -> Secret {
        Secret::new(&self.model, self.model.add_secret(content))
    }

    /// Adds a secret that the application owns, with this label, as if an earlier dispatch had done it.
    pub fn add_own_secret(&mut self, label: &str, content: &[(&str, &str)]) -> Secret {
        Secret::new(&self.model, self.model.add_own_secret(label, content))
    }

    /// Returns the secrets that the application and the unit own, in the order in which they were added.
    #[must_use]
    pub fn own_secrets(&self) -> Vec<Secret> {
        let uris = self.model.own_secrets().into_iter();
        uris.map(|uri| Secret::new(&self.model, uri)).collect()
    }

    /// Adds a storage instance, which is an empty directory. Tell the charm with [`Event::storage_attached`].
    ///
    /// # Panics
    /// If the directory cannot be made.
    pub fn add_storage(&mut self, name: &str) -> Storage {
        let directory = self.directory.path().join("storage");
        let used = fs::read_dir(&directory).map_or(0, Iterator::count);
        let location = directory.join(used.to_string());
        fs::create_dir_all(&location).expect("the unit's directory can be written");
        Storage::new(self.model.add_storage(name, &location.to_string_lossy()), location)
    }

    /// Sets the file of a resource, which `resource-get` answers.
    pub fn set_resource(&mut self, name: &str, path: impl AsRef<Path>) {
        self.model.set_resource(name, &path.as_ref().to_string_lossy());
    }

    /// Breaks a hook tool from the next dispatch on. `None` mends it.
    pub fn break_tool(&mut self, tool: &str, fault: impl Into<Option<ToolFault>>) {
        self.break_tool_for(tool, "", fault);
    }

    /// Breaks or mends a hook tool only for calls that have this argument, such as `tracing:3`, the id of a relation.
    ///
    /// # Panics
    /// If it is to be missing for them.
    pub fn break_tool_for(&mut self, tool: &str, argument: &str, fault: impl Into<Option<ToolFault>>) {
        self.faults.set(tool, argument, fault.into());
    }

    /// Returns the name of the unit, such as `my-charm/0`.
    #[must_use]
    pub fn unit_name(&self) -> &str {
        &self.deployment.unit
    }

    /// Returns the directory in which the charm runs.
    #[must_use]
    pub fn charm_dir(&self) -> PathBuf {
        self.directory.path().join("charm")
    }

    /// Returns the traces that wait for a backend in the default directory, `.charm_tracing_buffer`, oldest first. If the
    /// charm has another one, use [`queue::traces`].
    ///
    /// # Panics
    /// If the directory cannot be read.
    #[must_use]
    pub fn waiting_traces(&self) -> Vec<WaitingTrace> {
        queue::traces(&self.charm_dir().join(".charm_tracing_buffer"))
    }

    /// Starts the charm for an event, and waits until it has ended.
    ///
    /// The charm's changes take effect if its exit code is 0, and are dropped otherwise, except its status and its lines
    /// of the log. After a successful `relation-broken` the relation is gone.
    ///
    /// # Panics
    /// If the charm cannot be started, or the event is about a relation that is gone; see [`Juju::try_dispatch`].
    #[track_caller]
    pub fn dispatch(&mut self, event: Event) -> Outcome {
        match self.try_dispatch(event) {
            Ok(outcome) => outcome,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts the charm for an event like [`Juju::dispatch`], but returns why it cannot be started.
    ///
    /// # Errors
    /// If the system cannot run the charm, for example a file without `#!`, or one of another architecture.
    ///
    /// # Panics
    /// If the event is about a relation that is gone.
    #[expect(clippy::needless_pass_by_value, reason = "an event happens once")]
    pub fn try_dispatch(&mut self, event: Event) -> io::Result<Outcome> {
        let context_id = format!("{}-{}-{}", self.deployment.unit, event.name(), random());
        let (charm, socket) = (self.charm_dir(), self.socket());
        let places = Places { charm: &charm, tools: self.tools.directory(), socket: &socket };
        let mut variables = environment::variables(&self.deployment, places, &context_id, &event);
        // Juju knows its hook, whatever a test tells the charm.
        let mut context = HookContext::from_dispatch(&Dispatch::from_vars(variables.clone()));
        if let About::Action { parameters } = &event.about {
            context.action = Some(parameters.clone());
        }
        environment::override_variables(&mut variables, &event);
        let mut command = Command::new(charm.join("dispatch"));
        command.current_dir(&charm).env_clear().envs(variables);
        let is_there = |tool: &str| {
            hook_tools::exists_in(tool, self.deployment.version())
                && self.faults.of(tool, &[]) != Some(ToolFault::Missing)
        };
        self.tools.link(is_there).expect("hook tools can be linked");

        self.model.clear_calls();
        let logged_before = self.model.log().len();
        self.model.begin_hook(context.clone());
        let desk = Desk {
            context_id: context_id.clone(),
            context,
            model: self.model.clone(),
            faults: self.faults.clone(),
            tools_are_processes: !self.tools.are_jujus_own(),
        };
        let agent = Agent::listen(&socket, move |request| desk.answer(request))
            .expect("the unit's directory takes a socket");
        let finished = process::run(&mut command, event.limit, self.directory.path());
        drop(agent);
        let finished = finished.map_err(|error| {
            self.model.abort_hook();
            io::Error::new(error.kind(), format!("cannot start the charm: {error}"))
        })?;

        if finished.status.success() {
            self.model.commit_hook();
        } else {
            self.model.abort_hook();
        }
        match &event.about {
            About::Relation { relation, step: Step::Broken, .. } if finished.status.success() => {
                relation.remove();
            }
            _ => {}
        }
        Ok(Outcome {
            unit: self.deployment.unit.clone(),
            event: event.name().to_owned(),
            exit_status: finished.status,
            stdout: String::from_utf8_lossy(&finished.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&finished.stderr).into_owned(),
            duration: finished.duration,
            unit_status: self.model.status(),
            application_status: self.model.application_status(),
            workload_version: self.model.workload_version(),
            opened_ports: self.model.opened_ports(),
            log: self.model.log().split_off(logged_before),
            calls: self.model.calls(),
            action: matches!(event.about, About::Action { .. }).then(|| self.model.action_outcome()),
            context_id,
        })
    }

    /// Makes the directory of a unit, with everything but the charm itself.
    fn lay_out(charm_name: &str) -> io::Result<Self> {
        let deployment = Deployment::new(charm_name);
        let directory = short_directory()?;
        let tools = HookTools::install(directory.path())?;
        let (model, faults) = (Model::new(&deployment.unit), Faults::default());
        model.set_juju_version(&deployment.juju_version);
        let mut juju =
            Self { deployment, is_named: false, options: Vec::new(), model, faults, tools, directory };
        fs::create_dir(juju.charm_dir())?;
        let mut files = charm_files::of_package()?;
        if files.is_empty() {
            files.push(("metadata.yaml", format!("name: {charm_name}\n")));
        }
        for (name, text) in files {
            fs::write(juju.charm_dir().join(name), &text)?;
            juju.describe(name, &text);
        }
        Ok(juju)
    }

    /// Takes away the files that describe the charm, and the options that they declare.
    fn without_description(mut self) -> Self {
        for option in self.options.drain(..) {
            self.model.set_config(&option.name, Value::Null);
        }
        charm_files::NAMES.into_iter().fold(self, Self::without_file)
    }

    /// Does what Juju does with a file that describes the charm.
    fn describe(&mut self, file: &str, text: &str) {
        if let Some(name) = charm_files::charm_name(file, text).filter(|_| !self.is_named) {
            self.name_unit(format!("{name}/0"));
        }
        for option in charm_files::config_options(file, text) {
            if let Some(default) = &option.default {
                self.model.set_config(&option.name, default.clone());
            }
            self.options.retain(|declared| declared.name != option.name);
            self.options.push(option);
        }
    }

    fn name_unit(&mut self, name: String) {
        self.model.set_unit_name(&name);
        self.deployment.unit = name;
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.charm_dir().join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    fn dispatch_path(&self) -> PathBuf {
        self.charm_dir().join("dispatch")
    }

    /// Returns the address of the agent: an abstract socket before Juju 4.
    fn socket(&self) -> String {
        let path = self.directory.path().join("agent.socket");
        let abstract_mark = if self.deployment.version() < (4, 0) { "@" } else { "" };
        format!("{abstract_mark}{}", path.display())
    }
}

/// Makes a directory in which a socket's path stays below the 104 bytes that every system takes.
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

/// Returns a number that tells contexts apart; the standard library has no other source of randomness.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id()) >> 1
}
