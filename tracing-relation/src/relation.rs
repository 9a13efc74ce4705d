use std::fmt;

use crate::juju::RelationContext;

/// A relation of this application with another. Endpoints list their relations, and an event names its relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The id: the number in `tracing:3`.
    pub id: u32,
    /// The name of the endpoint in the charm's metadata.
    pub endpoint: String,
    /// The application at the other end. `None` if the relation is gone.
    pub app: Option<String>,
}

impl From<RelationContext> for Relation {
    fn from(context: RelationContext) -> Self {
        Self { id: context.id, endpoint: context.endpoint, app: context.remote_app }
    }
}

/// Formats the relation as Juju names it: `tracing:3`.
impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint, self.id)
    }
}
