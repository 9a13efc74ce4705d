use crate::{Receiver, ReceiverProtocol, Relation};

/// What an event of Juju means to a charm that sends traces.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TracingEvent {
    /// The backend has published where to send traces to, or the relation changed in another way since.
    #[non_exhaustive]
    EndpointChanged {
        /// The relation with the backend.
        relation: Relation,
        /// Its receivers, in the databag's order.
        receivers: Vec<Receiver>,
    },
    /// There is nowhere to send traces to (any more) on this relation, which may still be there.
    #[non_exhaustive]
    EndpointRemoved {
        /// The relation with the backend.
        relation: Relation,
    },
}

/// What an event of Juju means to a tracing backend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TracingProviderEvent {
    /// A charm asks for receivers, or the relation changed in another way since it did. Python: `RequestEvent`.
    #[non_exhaustive]
    Request {
        /// The relation with the charm.
        relation: Relation,
        /// The protocols it asks for, in the databag's order.
        protocols: Vec<ReceiverProtocol>,
    },
    /// A charm sends no traces any more: its relation ends with this hook. Python: `BrokenEvent`.
    #[non_exhaustive]
    Broken {
        /// The relation with the charm.
        relation: Relation,
    },
}
