//! What a charm's process gets from Juju: the dispatch environment, the hook tools, and the charm's metadata.

mod agent;
mod charm_trace_config;
mod dispatch;
mod environment;
mod event_context;
mod hook_tool_error;
mod hook_tools;
mod juju_log;
mod metadata;
mod process;
mod reads;
mod running;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

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
pub use process::ProcessHookTools;
pub use reads::Databag;
