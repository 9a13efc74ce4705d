//! A Juju in memory: hook tools without processes, for tests.
//!
//! ```
//! use tracing_relation::juju::testing::{HookContext, Model};
//! use tracing_relation::juju::{HookToolCall, HookTools};
//!
//! let juju = Model::new("app/0");
//! juju.set_leader(true);
//! let relation = juju.add_relation("tracing", "tempo", &["tempo/0"]);
//!
//! juju.begin_hook(HookContext::relation("tracing", relation, "tempo", None));
//! juju.run(&HookToolCall::new("relation-set").arg("--app").arg("color=blue"))?;
//! assert!(juju.local_app_data(relation).is_empty(), "Juju keeps changes back until the hook has succeeded");
//! juju.commit_hook();
//! assert_eq!(juju.local_app_data(relation)["color"], "blue");
//! # Ok::<(), tracing_relation::juju::HookToolError>(())
//! ```

mod arguments;
mod context;
mod model;
mod output;
mod relation_tools;
mod state;
mod tools;
mod unit_tools;
mod version;

pub use context::HookContext;
pub use model::Model;
pub use state::{ActionOutcome, Leadership, LogLine, Status};
pub use tools::ToolResult;
