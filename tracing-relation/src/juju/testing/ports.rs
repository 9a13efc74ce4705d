use std::fmt;

/// Ports in the order in which Juju compares and sorts them: by protocol first. ICMP has the bounds -1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ports {
    protocol: String,
    first: i64,
    last: i64,
}

impl Ports {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.to_lowercase();
        let (range, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
        let number = |text: &str| {
            text.parse()
                .map_err(|_| format!("invalid port {text:?}: strconv.Atoi: parsing {text:?}: invalid syntax"))
        };
        let (first, last, protocol) = match range.split('-').collect::<Vec<_>>().as_slice() {
            ["icmp"] => (-1, -1, "icmp"),
            [port] => (number(port)?, number(port)?, protocol),
            [first, last] => (number(first)?, number(last)?, protocol),
            _ => return Err(format!("invalid port range {range:?}")),
        };
        let ports = Self { protocol: protocol.to_owned(), first, last };
        match protocol {
            "icmp" if first == -1 && last == -1 => Ok(ports),
            "icmp" => Err(format!("protocol \"icmp\" doesn't support any ports; got \"{first}\"")),
            "tcp" | "udp" if first > last => Err(format!("invalid port range {ports}")),
            "tcp" | "udp" if first < 0 || last > 65535 => {
                Err(format!("port range bounds must be between 0 and 65535, got {first}-{last}"))
            }
            "tcp" | "udp" => Ok(ports),
            other => Err(format!("invalid protocol {other:?}, expected \"tcp\", \"udp\", or \"icmp\"")),
        }
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.protocol == other.protocol && self.last >= other.first && other.last >= self.first
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, first, last } = self;
        match protocol.as_str() {
            "icmp" => f.write_str("icmp"),
            _ if first == last => write!(f, "{first}/{protocol}"),
            _ => write!(f, "{first}-{last}/{protocol}"),
        }
    }
}
