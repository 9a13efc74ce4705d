use serde::Deserialize;

use crate::juju::reads::relation_call;
use crate::juju::{Dispatch, HookToolCall, HookToolError};

/// The network of one of the unit's endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct NetworkInfo {
    /// The network interfaces that the unit may listen on, with their addresses.
    pub bind_addresses: Vec<BindAddress>,
    /// The subnets from which the unit's own connections come, such as `10.0.0.1/32`.
    pub egress_subnets: Vec<String>,
    /// The addresses, or names, at which others reach the unit. The first is the best one.
    pub ingress_addresses: Vec<String>,
}

impl NetworkInfo {
    /// Returns the address at which others reach the unit, as `network-get --ingress-address` does: the first ingress
    /// address, else the first bind address.
    #[must_use]
    pub fn ingress_address(&self) -> Option<&str> {
        self.ingress_addresses.first().map(String::as_str).or_else(|| self.bind_address())
    }

    /// Returns the address that the unit should listen on, as `network-get --bind-address` does.
    #[must_use]
    pub fn bind_address(&self) -> Option<&str> {
        let address = self.bind_addresses.first()?.addresses.first()?;
        Some(address.address.as_str())
    }
}

/// A network interface and its addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct BindAddress {
    /// The name of the interface, such as `eth0`. May be empty.
    pub interface_name: String,
    /// The hardware address. May be empty.
    pub mac_address: String,
    /// The addresses of the interface.
    pub addresses: Vec<InterfaceAddress>,
}

/// An address of a network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct InterfaceAddress {
    /// The address, such as `10.0.0.1`.
    #[serde(rename = "value")]
    pub address: String,
    /// The subnet of the address, such as `10.0.0.0/24`. May be empty.
    pub cidr: String,
    /// The name of the host. Usually empty.
    pub hostname: String,
}

/// The unit's network.
impl Dispatch {
    /// Reads the network of an endpoint or of an extra binding (`network-get`).
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # use std::sync::Arc;
    /// # use tracing_relation::juju::{Dispatch, testing::Model};
    /// # let juju = Model::new("app/0");
    /// # let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju));
    /// let network = dispatch.network_get("tracing")?;
    /// assert_eq!(network.ingress_address(), Some("10.0.0.1"));
    /// # }
    /// # Ok::<(), tracing_relation::juju::HookToolError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The tool fails, for example because the charm has no such endpoint, or prints something that is not a network.
    pub fn network_get(&self, binding: &str) -> Result<NetworkInfo, HookToolError> {
        self.read(&HookToolCall::new("network-get").arg("--format=json").arg("--").arg(binding))
    }

    /// Reads the network of an endpoint as one relation sees it (`network-get -r`). It differs from that of the endpoint in
    /// a relation with another model, where others reach the unit at its public address.
    ///
    /// # Errors
    ///
    /// [`RelationGone`](crate::juju::HookToolErrorKind::RelationGone), or another failure of the tool.
    pub fn network_get_relation(&self, endpoint: &str, id: u32) -> Result<NetworkInfo, HookToolError> {
        let call = relation_call("network-get", endpoint, id).arg("--format=json").arg("--").arg(endpoint);
        self.read(&call).map_err(|error| self.refine(error, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::juju::HookToolErrorKind;
    use crate::juju::tools::testing::{lines, unit};

    #[test]
    fn the_network_of_an_endpoint_and_of_a_relation_is_read() {
        let (juju, dispatch) = unit();
        let id = juju.add_relation("tracing", "tempo", &[]);
        let network = dispatch.network_get("tracing").expect("an answer");
        let address = InterfaceAddress {
            address: "10.0.0.1".into(),
            cidr: "10.0.0.0/24".into(),
            hostname: String::new(),
        };
        let interface = BindAddress {
            interface_name: "eth0".into(),
            mac_address: String::new(),
            addresses: vec![address],
        };
        assert_eq!(network.bind_addresses, [interface]);
        assert_eq!(network.egress_subnets, ["10.0.0.1/32"]);
        assert_eq!(network.ingress_addresses, ["10.0.0.1"]);
        assert_eq!(dispatch.network_get_relation("tracing", id).expect("an answer"), network);
        assert_eq!(
            lines(&juju),
            ["network-get|--format=json|--|tracing", "network-get|-r|tracing:1|--format=json|--|tracing"]
        );
    }

    #[test]
    fn an_address_is_found_as_juju_finds_it() {
        let (juju, dispatch) = unit();
        let cases = [
            ("{}", None, None),
            (r#"{"ingress-addresses": ["a", "b"]}"#, Some("a"), None),
            (r#"{"bind-addresses": [{"addresses": [{"value": "c"}]}]}"#, Some("c"), Some("c")),
            (r#"{"bind-addresses": [{"addresses": []}], "new": 1}"#, None, None),
        ];
        for (answer, ingress, bind) in cases {
            juju.answer_next("network-get", answer);
            let network = dispatch.network_get("x").expect("readable");
            assert_eq!((network.ingress_address(), network.bind_address()), (ingress, bind), "{answer}");
        }
    }

    #[test]
    fn a_relation_that_is_gone_is_told_in_every_version() {
        for version in ["3.6", "4.0"] {
            let (juju, dispatch) = unit();
            juju.set_juju_version(version);
            let id = juju.add_relation("tracing", "tempo", &[]);
            let kind = || dispatch.network_get_relation("tracing", id).map_err(|error| error.kind());
            juju.sever_relation(id);
            assert_eq!(kind(), Err(HookToolErrorKind::RelationGone), "{version}");
            juju.remove_relation(id);
            assert_eq!(kind(), Err(HookToolErrorKind::RelationGone), "{version}");
        }
        let (juju, dispatch) = unit();
        juju.fail_next("network-get", 1, "ERROR no network config found for binding \"x\"\n");
        let error = dispatch.network_get("x").expect_err("no such endpoint");
        assert_eq!(error.kind(), HookToolErrorKind::Failed);
    }
}
