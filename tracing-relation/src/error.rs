use std::error::Error;
use std::fmt::Write as _;
use std::iter;

use crate::juju::{EnvironmentError, HookToolError, Role};
use crate::{DataValidationError, Relation};

/// The reason why a relation cannot be used.
///
/// It is not an error but "not ready" if the other side is not there (yet), or if the relation is being removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TracingError {
    /// The charm's metadata has no such endpoint. Python: `RelationNotFoundError`.
    #[error("cannot find the endpoint `{endpoint}` in the charm's metadata")]
    #[non_exhaustive]
    RelationNotFound {
        /// The name of the endpoint.
        endpoint: String,
    },
    /// The endpoint has another interface. Python: `RelationInterfaceMismatchError`.
    #[error("cannot use the endpoint `{endpoint}`: its interface is `{actual}` rather than `{expected}`")]
    #[non_exhaustive]
    RelationInterfaceMismatch {
        /// The name of the endpoint.
        endpoint: String,
        /// `tracing`, `cos_agent` or `certificate_transfer`.
        expected: &'static str,
        /// The interface that the metadata has.
        actual: String,
    },
    /// The endpoint is for another side of relations. Python: `RelationRoleMismatchError`.
    #[error(
        "cannot use the endpoint `{endpoint}`: it is under `{actual}` rather than `{expected}` in the metadata"
    )]
    #[non_exhaustive]
    RelationRoleMismatch {
        /// The name of the endpoint.
        endpoint: String,
        /// The side that is needed.
        expected: Role,
        /// The side that the metadata has.
        actual: Role,
    },
    /// The relation is gone, so the data of its other side cannot be read. Python: `NotReadyError`.
    #[error("cannot find the application at the other end of {relation}")]
    #[non_exhaustive]
    NotReady {
        /// The relation.
        relation: Relation,
    },
    /// The collector has published no URL for the protocol (yet): it is not there, does not offer the protocol, or has no
    /// tracing backend. Python: `ProtocolNotFoundError`.
    #[error("cannot find an endpoint for {protocol} on `{endpoint}`")]
    #[non_exhaustive]
    ProtocolNotFound {
        /// The protocol's name.
        protocol: String,
        /// The name of the endpoint in the charm's metadata.
        endpoint: String,
    },
    /// The charm asks for the endpoint of a protocol that it never requested. Python: `ProtocolNotRequestedError`.
    #[error("cannot expect an endpoint for {protocol} on {relation}: it was never requested")]
    #[non_exhaustive]
    ProtocolNotRequested {
        /// The protocol's name.
        protocol: String,
        /// The relation.
        relation: Relation,
    },
    /// The unit is not the leader. Only the leader may request protocols and publish receivers. Python:
    /// `DataAccessPermissionError`, and in a provider `RuntimeError`.
    #[error("cannot write the application's databag: only the leader may")]
    DataAccessPermission,
    /// No relation was named, and the endpoint may have several, because its `limit` in the metadata is not 1. Use the
    /// methods that end in `_on`. Python: `AmbiguousRelationUsageError`.
    #[error(
        "cannot tell which relation of `{endpoint}` is meant: name one, or set `limit: 1` in the metadata"
    )]
    #[non_exhaustive]
    AmbiguousRelationUsage {
        /// The name of the endpoint.
        endpoint: String,
    },
    /// A databag breaks the rules of the interface. Python: `DataValidationError`.
    #[error("cannot use what the other end of {relation} has published")]
    #[non_exhaustive]
    DataValidation {
        /// The relation.
        relation: Relation,
        /// The rule that it breaks.
        source: DataValidationError,
    },
    /// The list of protocols to request is empty. Python: `ValueError`.
    #[error("cannot request an empty list of protocols")]
    NoProtocols,
    /// Juju did not say in the environment which unit this is.
    #[error("cannot learn from the environment which unit this is")]
    Environment(#[from] EnvironmentError),
    /// A hook tool failed for another reason than a relation that is gone. Python: `ModelError` of ops.
    #[error("cannot ask Juju about a relation")]
    HookTool(#[from] HookToolError),
}

/// The maximum number of causes; a longer chain is cut, because `source` may be implemented so that it never ends.
const MAX_CAUSES: usize = 32;

/// Returns an error and at most 32 of its causes in one line, for the log.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    for cause in iter::successors(error.source(), |&cause| cause.source()).take(MAX_CAUSES) {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {cause}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_sources_and_not_repeated() {
        let error = TracingError::from(HookToolError::from_exit("is-leader", Some(1), b"ERROR no\n"));
        assert_eq!(error.to_string(), "cannot ask Juju about a relation");
        assert_eq!(
            with_causes(&error),
            "cannot ask Juju about a relation: cannot run is-leader (exit code 1): ERROR no",
        );
    }
}
