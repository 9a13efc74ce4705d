use std::fmt;

use crate::juju::{Dispatch, HookToolCall, HookToolError};

/// Ports of one protocol.
///
/// ```
/// use tracing_relation::juju::PortRange;
///
/// assert_eq!(PortRange::tcp(80).to_string(), "80/tcp");
/// assert_eq!(PortRange::Udp { first: 1000, last: 2000 }.to_string(), "1000-2000/udp");
/// assert_eq!(PortRange::from("icmp"), PortRange::Icmp);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PortRange {
    /// TCP ports.
    Tcp {
        /// The lowest port.
        first: u16,
        /// The highest port.
        last: u16,
    },
    /// UDP ports.
    Udp {
        /// The lowest port.
        first: u16,
        /// The highest port.
        last: u16,
    },
    /// ICMP, which has no ports.
    Icmp,
    /// Ports in a notation that this crate does not know.
    Other(String),
}

impl PortRange {
    /// Makes the range of one TCP port.
    #[must_use]
    pub fn tcp(port: u16) -> Self {
        Self::Tcp { first: port, last: port }
    }

    /// Makes the range of one UDP port.
    #[must_use]
    pub fn udp(port: u16) -> Self {
        Self::Udp { first: port, last: port }
    }
}

/// Writes the range as Juju does: `80/tcp`, `1000-2000/udp`, `icmp`.
impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last, protocol) = match self {
            Self::Tcp { first, last } => (first, last, "tcp"),
            Self::Udp { first, last } => (first, last, "udp"),
            Self::Icmp => return f.write_str("icmp"),
            Self::Other(text) => return f.write_str(text),
        };
        if first == last { write!(f, "{first}/{protocol}") } else { write!(f, "{first}-{last}/{protocol}") }
    }
}

/// Reads the notation of Juju. Anything else is [`Other`](PortRange::Other).
impl From<&str> for PortRange {
    fn from(text: &str) -> Self {
        let known = || {
            let (ports, protocol) = text.split_once('/')?;
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            match protocol {
                "tcp" => Some(Self::Tcp { first, last }),
                "udp" => Some(Self::Udp { first, last }),
                _ => None,
            }
        };
        if text == "icmp" { Self::Icmp } else { known().unwrap_or_else(|| Self::Other(text.to_owned())) }
    }
}

/// The ports of the unit that others may reach. Changes take effect once the hook has succeeded; on a cloud with firewalls
/// they open only while the application is exposed.
impl Dispatch {
    /// Opens ports (`open-port`), for all endpoints of the application. Does nothing if they are open.
    ///
    /// An application on Kubernetes can only open one port at a time.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # use std::sync::Arc;
    /// # use tracing_relation::juju::{Dispatch, testing::Model};
    /// # let juju = Model::new("app/0");
    /// # let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju));
    /// use tracing_relation::juju::PortRange;
    ///
    /// dispatch.open_port(&PortRange::tcp(8080))?;
    /// assert_eq!(dispatch.opened_ports()?, [PortRange::tcp(8080)]);
    /// # }
    /// # Ok::<(), tracing_relation::juju::HookToolError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The tool fails, for example because the range overlaps one that this unit or another on the machine has opened.
    pub fn open_port(&self, ports: &PortRange) -> Result<(), HookToolError> {
        self.tell(&HookToolCall::new("open-port").arg("--").arg(ports.to_string()))
    }

    /// Closes ports (`close-port`) that were opened for all endpoints. Does nothing if they are closed.
    ///
    /// # Errors
    ///
    /// The tool fails, for example because the range is only part of one that is open.
    pub fn close_port(&self, ports: &PortRange) -> Result<(), HookToolError> {
        self.tell(&HookToolCall::new("close-port").arg("--").arg(ports.to_string()))
    }

    /// Reads which ports the unit has opened (`opened-ports`), by protocol and number. Whether changes of the running hook
    /// are among them depends on the version of Juju.
    ///
    /// # Errors
    ///
    /// The tool fails, or prints something that is not a list of text.
    pub fn opened_ports(&self) -> Result<Vec<PortRange>, HookToolError> {
        let call = HookToolCall::new("opened-ports").arg("--format=json");
        let ranges: Option<Vec<String>> = self.read(&call)?;
        Ok(ranges.unwrap_or_default().iter().map(|range| PortRange::from(range.as_str())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::juju::HookToolErrorKind;
    use crate::juju::tools::testing::{lines, unit};

    #[test]
    fn ports_are_opened_listed_and_closed() {
        let (juju, dispatch) = unit();
        assert_eq!(dispatch.opened_ports().expect("an answer"), []);
        let ranges = [
            PortRange::Icmp,
            PortRange::tcp(80),
            PortRange::Tcp { first: 100, last: 110 },
            PortRange::udp(53),
        ];
        for range in ranges.iter().rev() {
            dispatch.open_port(range).expect("opened");
        }
        assert_eq!(dispatch.opened_ports().expect("an answer"), ranges);
        dispatch.close_port(&ranges[2]).expect("closed");
        assert_eq!(juju.opened_ports(), ["icmp", "80/tcp", "53/udp"]);
        let lines = lines(&juju);
        assert_eq!(
            lines[..3],
            ["opened-ports|--format=json", "open-port|--|53/udp", "open-port|--|100-110/tcp"]
        );
        assert_eq!(lines.last().map(String::as_str), Some("close-port|--|100-110/tcp"));
    }

    #[test]
    fn ranges_that_overlap_or_make_no_sense_are_refused() {
        let (_, dispatch) = unit();
        dispatch.open_port(&PortRange::Tcp { first: 80, last: 90 }).expect("opened");
        let kind = |range| dispatch.open_port(&range).map_err(|error| error.kind());
        assert_eq!(kind(PortRange::tcp(85)), Err(HookToolErrorKind::Failed));
        let reversed = PortRange::Udp { first: 2, last: 1 };
        assert_eq!(kind(reversed), Err(HookToolErrorKind::Usage));
        assert_eq!(kind(PortRange::Other("--endpoints=x".into())), Err(HookToolErrorKind::Usage));
        let error = dispatch.close_port(&PortRange::tcp(85)).expect_err("part of a range");
        assert_eq!(error.kind(), HookToolErrorKind::Failed);
    }

    #[test]
    fn the_notation_of_a_later_juju_is_kept() {
        let (juju, dispatch) = unit();
        juju.answer_next("opened-ports", r#"["80/tcp", "9/sctp", "99999/tcp", "x"]"#);
        let other = |text: &str| PortRange::Other(text.to_owned());
        let expected = [PortRange::tcp(80), other("9/sctp"), other("99999/tcp"), other("x")];
        assert_eq!(dispatch.opened_ports().expect("an answer"), expected);
        assert_eq!(expected.map(|range| range.to_string()), ["80/tcp", "9/sctp", "99999/tcp", "x"]);
        juju.answer_next("opened-ports", "null");
        assert_eq!(dispatch.opened_ports().expect("an answer"), []);
        juju.answer_next("opened-ports", "[80]");
        let error = dispatch.opened_ports().expect_err("no text");
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
    }
}
