//! The data that Juju gives to a charm's process: the dispatch environment, the hook tools, and the charm's metadata.
//!
//! The hook tools that every charm uses are methods of [`Dispatch`], named after the tools:
//!
//! | for | hook tools | methods |
//! |---|---|---|
//! | configuration | `config-get` | [`config_get`](Dispatch::config_get), [`config_get_option`](Dispatch::config_get_option) |
//! | status | `status-set`, `status-get` | [`status_set`](Dispatch::status_set), [`status_get`](Dispatch::status_get), [`application_status_set`](Dispatch::application_status_set), [`application_status_get`](Dispatch::application_status_get) |
//! | actions | `action-get`, `action-set`, `action-fail`, `action-log` | [`action_get`](Dispatch::action_get), [`action_set`](Dispatch::action_set), [`action_fail`](Dispatch::action_fail), [`action_log`](Dispatch::action_log) |
//! | relations | `relation-ids`, `relation-list`, `relation-get`, `relation-set` | [`relation_ids`](Dispatch::relation_ids), [`relation_units`](Dispatch::relation_units), [`relation_app`](Dispatch::relation_app), [`relation_get_app`](Dispatch::relation_get_app), [`relation_get_unit`](Dispatch::relation_get_unit), [`relation_set_app`](Dispatch::relation_set_app), [`relation_set_unit`](Dispatch::relation_set_unit) |
//! | leadership | `is-leader` | [`is_leader`](Dispatch::is_leader) |
//! | secrets | `secret-get`, `secret-info-get` | [`secret_get`](Dispatch::secret_get), [`secret_info_get`](Dispatch::secret_info_get) |
//! | ports | `open-port`, `close-port`, `opened-ports` | [`open_port`](Dispatch::open_port), [`close_port`](Dispatch::close_port), [`opened_ports`](Dispatch::opened_ports) |
//! | network | `network-get` | [`network_get`](Dispatch::network_get), [`network_get_relation`](Dispatch::network_get_relation) |
//! | stored state | `state-get`, `state-set`, `state-delete` | [`state_get`](Dispatch::state_get), [`state_get_value`](Dispatch::state_get_value), [`state_set`](Dispatch::state_set), [`state_delete`](Dispatch::state_delete) |
//! | workload version | `application-version-set` | [`application_version_set`](Dispatch::application_version_set) |
//! | resources | `resource-get` | [`resource_get`](Dispatch::resource_get) |
//! | goal state | `goal-state` | [`goal_state`](Dispatch::goal_state) |
//! | log | `juju-log` | [`juju_log`](Dispatch::juju_log) |
//!
//! All others are called with a [`HookToolCall`] through [`Dispatch::hook_tools`].

pub(crate) mod agent;
mod charm_trace_config;
mod dispatch;
mod environment;
mod event_context;
mod hook_tool_error;
mod hook_tools;
mod juju_log;
mod metadata;
mod reads;
mod running;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tools;
mod yaml;

pub use agent::AgentHookTools;
pub use charm_trace_config::CharmTraceConfig;
pub use dispatch::Dispatch;
pub use environment::EnvironmentError;
pub use event_context::{
    ActionContext, NoticeContext, RelationContext, SecretContext, StorageContext, WorkloadContext,
};
pub use hook_tool_error::{HookToolError, HookToolErrorKind};
pub use hook_tools::{HookToolCall, HookToolOutput, HookTools};
pub use metadata::{Endpoint, Metadata, MetadataError, Role};
pub use reads::Databag;
pub(crate) use reads::databag_call;
pub use tools::{
    ApplicationStatus, BindAddress, GoalState, GoalStatus, InterfaceAddress, NetworkInfo, PortRange,
    SecretAccess, SecretContent, SecretId, SecretInfo, SecretOwner, SecretRevision, SecretRotation,
    StatusValue, UnitStatus,
};

/// The level of a line in Juju's log, for [`Dispatch::juju_log`]. Juju calls [`Warn`](LogLevel::Warn) `WARNING`; the other
/// names are the same.
#[doc(inline)]
pub use log::Level as LogLevel;
