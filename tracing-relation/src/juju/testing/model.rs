mod relations;
mod secrets;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::context::HookContext;
use super::result::ToolResult;
use super::state::{ActionOutcome, Fault, Leadership, LogLine, State, Status};
use super::tools;
use super::version::Version;
use crate::juju::{HookToolCall, HookToolError, HookToolOutput, HookTools};

/// One unit's view of a Juju model, with the hook tools that read and change it.
///
/// Clones share the model. Command lines, outputs, exit codes and error texts are those of Juju's own tools (of Juju 3.6,
/// unless [`set_juju_version`](Self::set_juju_version) sets another version), so a charm sees the same answers as from
/// Juju.
///
/// As [`HookTools`], it acts in the hook that [`begin_hook`](Self::begin_hook) started. Without a hook, changes take effect
/// at once, and no relation is the current one.
#[derive(Clone, Debug)]
pub struct Model {
    state: Arc<Mutex<State>>,
}

impl Model {
    /// Creates a model in which `unit_name` (such as `app/0`) is not the leader and has no relation.
    #[must_use]
    pub fn new(unit_name: &str) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(unit_name))) }
    }

    /// Returns the name of the unit.
    #[must_use]
    pub fn unit_name(&self) -> String {
        self.state().unit.clone()
    }

    /// Changes the name of the unit, and with it that of the application.
    pub fn set_unit_name(&self, unit_name: &str) {
        unit_name.clone_into(&mut self.state().unit);
    }

    /// Sets the version of Juju whose tools the model imitates, such as `4.0.2`.
    ///
    /// Juju 2 has no secrets. Juju 4 has other error texts for a relation that is [severed](Self::sever_relation), and prints `null` for a unit
    /// without stored state.
    pub fn set_juju_version(&self, version: &str) {
        self.state().version = Version::parse(version);
    }

    /// Makes the unit the leader of its application, or not.
    pub fn set_leader(&self, leader: bool) {
        self.set_leadership(if leader { Leadership::Leader } else { Leadership::Follower });
    }

    /// Sets the leader of the unit's application, also for states in which agent and controller disagree.
    pub fn set_leadership(&self, leadership: Leadership) {
        self.state().leadership = leadership;
    }

    /// Returns true if the unit is the leader.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.state().leadership == Leadership::Leader
    }

    /// Sets an option of the charm's configuration.
    pub fn set_config(&self, key: &str, value: Value) {
        self.state().config.insert(key.to_owned(), value);
    }

    /// Sets the file of a resource. The model does not check that it exists.
    pub fn set_resource(&self, name: &str, path: &str) {
        self.state().resources.insert(name.to_owned(), path.to_owned());
    }

    /// Adds a storage instance of this name, at this path. Returns its id, such as `data/0`. The model does not check that
    /// the path exists.
    #[must_use = "the id is how the storage is named later"]
    pub fn add_storage(&self, name: &str, location: &str) -> String {
        let mut state = self.state();
        let id = format!("{name}/{}", state.next_storage);
        state.next_storage += 1;
        state.storages.insert(id.clone(), location.to_owned());
        id
    }

    /// Removes a storage instance, if there is one.
    pub fn remove_storage(&self, id: &str) {
        self.state().storages.remove(id);
    }

    /// Returns the open ports, including those of a running hook, each as `opened-ports` prints it.
    #[must_use]
    pub fn opened_ports(&self) -> Vec<String> {
        let mut ports: Vec<String> = self.state().ports.iter().map(|(range, _)| range.to_string()).collect();
        ports.dedup();
        ports
    }

    /// Starts a hook. Its writes take effect when it is committed, but the hook itself reads them at once.
    ///
    /// An earlier hook that was neither committed nor aborted is aborted.
    pub fn begin_hook(&self, context: HookContext) {
        self.state().begin_hook(context);
    }

    /// Ends a hook whose process succeeded: its writes take effect.
    pub fn commit_hook(&self) {
        self.state().commit_hook();
    }

    /// Ends a hook whose process failed or was killed: its writes are dropped. Operations that take effect at once in Juju
    /// (`juju-log`, `status-set`) stay.
    pub fn abort_hook(&self) {
        self.state().abort_hook();
    }

    /// Runs the hook tool `argv[0]` with these arguments in this context.
    #[must_use]
    pub fn run_tool(&self, context: &HookContext, argv: &[String], stdin: &[u8]) -> ToolResult {
        let mut state = self.state();
        state.calls.push(argv.to_vec());
        let Some((tool, arguments)) = argv.split_first() else {
            return ToolResult::failure(1, "no hook tool named");
        };
        match state.fault(tool) {
            Some(planned) => planned,
            None => tools::run(&mut state, context, tool, arguments, stdin),
        }
    }

    /// Makes the next call of a tool fail with this exit code and standard error (such as `ERROR permission denied\n`).
    pub fn fail_next(&self, tool: &str, code: i32, stderr: &str) {
        self.plan_failure(tool, code, stderr, Some(1));
    }

    /// Makes every call of a tool fail, until [`clear_faults`](Self::clear_faults).
    pub fn fail_every(&self, tool: &str, code: i32, stderr: &str) {
        self.plan_failure(tool, code, stderr, None);
    }

    /// Makes the next call of a tool succeed with this standard output, independent of the model's state.
    pub fn answer_next(&self, tool: &str, stdout: &str) {
        let result = ToolResult { code: 0, stdout: stdout.into(), stderr: Vec::new() };
        self.state().faults.push(Fault { tool: tool.to_owned(), result, left: Some(1) });
    }

    /// Removes the planned results of later calls.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Returns the calls so far, in order. Each has the tool's name and its arguments.
    #[must_use]
    pub fn calls(&self) -> Vec<Vec<String>> {
        self.state().calls.clone()
    }

    /// Clears the list of calls.
    pub fn clear_calls(&self) {
        self.state().calls.clear();
    }

    /// Returns the lines that were logged so far, of all levels.
    #[must_use]
    pub fn log(&self) -> Vec<LogLine> {
        self.state().log.clone()
    }

    /// Returns the unit's status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.state().status.clone()
    }

    /// Returns the application's status.
    #[must_use]
    pub fn application_status(&self) -> Status {
        self.state().application_status.clone()
    }

    /// Returns the last argument of `application-version-set`.
    #[must_use]
    pub fn workload_version(&self) -> Option<String> {
        self.state().workload_version.clone()
    }

    /// Returns the outcome of the last action: its results, failure and messages.
    #[must_use]
    pub fn action_outcome(&self) -> ActionOutcome {
        self.state().action.clone()
    }

    fn plan_failure(&self, tool: &str, code: i32, stderr: &str, left: Option<u32>) {
        let result = ToolResult { code, stdout: Vec::new(), stderr: stderr.into() };
        self.state().faults.push(Fault { tool: tool.to_owned(), result, left });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HookTools for Model {
    fn run(&self, call: &HookToolCall) -> Result<HookToolOutput, HookToolError> {
        let context = self.state().hook.as_ref().map(|hook| hook.context.clone()).unwrap_or_default();
        let argv: Vec<String> =
            [call.tool()].into_iter().chain(call.args().iter().map(String::as_str)).map(Into::into).collect();
        let result = self.run_tool(&context, &argv, call.input().unwrap_or_default());
        if result.code == 0 {
            Ok(HookToolOutput { stdout: result.stdout, stderr: result.stderr, pid: None })
        } else {
            Err(HookToolError::from_exit(call.tool(), Some(result.code), &result.stderr))
        }
    }
}

/// Returns the exit code and the whole output of a command line, outside of any hook.
#[cfg(test)]
pub(super) fn told(juju: &Model, line: &str) -> String {
    told_in(juju, &HookContext::new(), &line.split(' ').collect::<Vec<_>>())
}

/// Returns the exit code and the output as [`told`] does, but in a hook, and for arguments of any form.
#[cfg(test)]
pub(super) fn told_in(juju: &Model, context: &HookContext, argv: &[&str]) -> String {
    let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
    let ToolResult { code, stdout, stderr } = juju.run_tool(context, &argv, b"");
    format!("{code} {}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}
