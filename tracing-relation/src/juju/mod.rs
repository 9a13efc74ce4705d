//! What a charm's process gets from Juju: hook tools to call.

mod hook_tool_error;
mod hook_tools;
mod process;
mod running;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use hook_tool_error::{HookToolError, HookToolErrorKind};
pub use hook_tools::{HookToolCall, HookToolOutput, HookTools, PendingCall};
pub use process::ProcessHookTools;
