//! An in-memory Juju: hook tools without processes, for tests.
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
//!
//! | situation of a charm | how to create it |
//! |---|---|
//! | a leader, a follower | [`Model::set_leader`] |
//! | a leader that has been replaced and does not know it; an unknown leader | [`Model::set_leadership`] |
//! | databags of the other side, of a unit or its application | [`Model::set_remote_unit_data`], [`Model::set_remote_app_data`] |
//! | an own databag, written earlier | [`Model::set_local_app_data`] |
//! | a unit that leaves, a relation that ends | [`HookContext::relation_departed`], [`HookContext::relation_broken`] |
//! | a relation that is gone for agent and controller, or only for the controller | [`Model::remove_relation`], [`Model::sever_relation`] |
//! | a secret, of another application or of the own one; one that is refused | [`Model::add_secret`], [`Model::add_own_secret`], [`Model::revoke_secret`] |
//! | the secrets that the charm has made, and whom it has granted them to | [`Model::own_secrets`], [`Model::secret_content`], [`Model::is_secret_granted`] |
//! | a resource | [`Model::set_resource`] |
//! | storage | [`Model::add_storage`] |
//! | a hook that fails, so that its writes are dropped | [`Model::abort_hook`] |
//! | an event that does not allow its tools | [`HookContext::restricted`] |
//! | another version of Juju | [`Model::set_juju_version`] |
//! | a tool that fails, or prints any given output | [`Model::fail_next`], [`Model::answer_next`] |

mod action_tools;
pub(crate) mod agent;
mod arguments;
mod call;
mod context;
mod model;
mod output;
mod own_secret_tools;
mod port_tools;
mod ports;
mod relation_tools;
mod result;
mod secret;
mod secret_tools;
mod state;
mod storage_tools;
mod tools;
mod unit_tools;
mod version;

pub use agent::{Agent, AgentAnswer, AgentRequest};
pub use context::HookContext;
#[doc(hidden)]
pub use context::check_action_name;
pub use model::Model;
pub use result::ToolResult;
pub use state::{ActionOutcome, Leadership, LogLine, Status};
