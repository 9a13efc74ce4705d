use crate::{Receiver, ReceiverProtocol, Relation};

/// The meaning of a Juju event for a charm that sends traces.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TracingEvent {
    /// The backend has published where to send traces, or the relation changed later in another way.
    #[non_exhaustive]
    EndpointChanged {
        /// The relation with the backend.
        relation: Relation,
        /// Its receivers, in the databag's order.
        receivers: Vec<Receiver>,
    },
    /// The relation has no endpoint for traces (any more), but the relation itself may still exist.
    #[non_exhaustive]
    EndpointRemoved {
        /// The relation with the backend.
        relation: Relation,
    },
}

/// The meaning of a Juju event for a tracing backend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TracingProviderEvent {
    /// A charm asks for receivers, or the relation changed later in another way. Python: `RequestEvent`.
    #[non_exhaustive]
    Request {
        /// The relation with the charm.
        relation: Relation,
        /// The protocols it asks for, in the databag's order.
        protocols: Vec<ReceiverProtocol>,
    },
    /// A charm sends no more traces, because its relation ends with this hook. Python: `BrokenEvent`.
    #[non_exhaustive]
    Broken {
        /// The relation with the charm.
        relation: Relation,
    },
}
