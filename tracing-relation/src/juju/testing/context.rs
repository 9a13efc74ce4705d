use serde_json::Value;

/// What Juju knows about the hook that a tool is called from: the part of it that changes what the tools do.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HookContext {
    /// The endpoint and id of the relation, in the hooks of one. Tools use it where `-r` is left out, and `juju-log`
    /// puts it before the message.
    pub relation: Option<(String, u32)>,
    /// The remote application, in the hooks of a relation.
    pub remote_app: Option<String>,
    /// The remote unit, in the hooks of a relation that are about one.
    pub remote_unit: Option<String>,
    /// The parameters of the action, in an action. Elsewhere the `action-*` tools are unknown.
    pub action: Option<Value>,
    /// Whether nearly every tool is refused, as in `collect-metrics`.
    pub restricted: bool,
}

impl HookContext {
    /// A hook that is about nothing in particular, such as `update-status`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A hook of a relation.
    #[must_use]
    pub fn relation(endpoint: &str, id: u32, remote_app: &str, remote_unit: Option<&str>) -> Self {
        Self {
            relation: Some((endpoint.to_owned(), id)),
            remote_app: Some(remote_app.to_owned()),
            remote_unit: remote_unit.map(ToOwned::to_owned),
            ..Self::default()
        }
    }

    /// An action with these parameters (a JSON object).
    #[must_use]
    pub fn action(parameters: Value) -> Self {
        Self { action: Some(parameters), ..Self::default() }
    }

    /// A hook in which nearly every tool is refused: `collect-metrics` and `meter-status-changed`.
    #[must_use]
    pub fn restricted() -> Self {
        Self { restricted: true, ..Self::default() }
    }
}
