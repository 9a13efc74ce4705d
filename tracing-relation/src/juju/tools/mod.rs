//! Methods of [`Dispatch`](super::Dispatch) for the hook tools that every charm uses, with their parameters and results.

#[macro_use]
mod open_enum;

mod action;
mod config;
mod goal_state;
mod network;
mod ports;
mod resource;
mod secret_info;
mod secrets;
mod state;
mod status;
#[cfg(test)]
mod testing;

pub use goal_state::{GoalState, GoalStatus};
pub use network::{BindAddress, InterfaceAddress, NetworkInfo};
pub use ports::PortRange;
pub use secret_info::{SecretAccess, SecretInfo, SecretOwner, SecretRotation};
pub use secrets::{SecretContent, SecretId, SecretRevision};
pub use status::{ApplicationStatus, StatusValue, UnitStatus};
