use std::fmt;

use serde_json::json;

use super::arguments::{Arguments, FORMAT, switch, value};
use super::output::render;
use super::tools::{Call, Printed, ToolResult};

/// Ports in the order in which Juju compares and sorts them: by protocol first. ICMP has the bounds -1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ports {
    protocol: String,
    first: i64,
    last: i64,
}

impl Ports {
    fn parse(text: &str) -> Result<Self, String> {
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

    fn overlaps(&self, other: &Self) -> bool {
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

pub(super) fn open(call: &mut Call<'_>) -> Printed {
    change(call, "open")
}

pub(super) fn close(call: &mut Call<'_>) -> Printed {
    change(call, "close")
}

fn change(call: &mut Call<'_>, how: &str) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, value(&["endpoints"])])?;
    let Some(range) = args.positional.first() else {
        return Err(ToolResult::usage("no port or range specified"));
    };
    let range = Ports::parse(range).map_err(|why| ToolResult::usage(&why))?;
    args.at_most(1)?;
    if args.value("format").is_some() {
        call.warnings = format!("--format flag deprecated for command \"{how}-port\"");
    }
    for endpoint in args.value("endpoints").unwrap_or_default().split(',').map(str::trim) {
        let opened = &mut call.state.ports;
        if let Some((conflict, _)) =
            opened.iter().find(|(other, _)| other.overlaps(&range) && *other != range)
        {
            let unit = &call.state.unit;
            let why = format!("port range conflicts with {conflict} (unit \"{unit}\")");
            return Err(ToolResult::failed(&format!("cannot {how} {range} (unit \"{unit}\"): {why}")));
        }
        let entry = (range.clone(), endpoint.to_owned());
        if how == "open" {
            opened.insert(entry);
        } else {
            opened.remove(&entry);
        }
    }
    Ok(String::new())
}

pub(super) fn opened(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, switch(&["endpoints"])])?;
    args.at_most(0)?;
    let mut shown: Vec<(&Ports, Vec<&str>)> = Vec::new();
    for (range, endpoint) in &call.state.ports {
        match shown.last_mut() {
            Some((last, endpoints)) if *last == range => endpoints.push(endpoint),
            _ => shown.push((range, vec![endpoint])),
        }
    }
    let with_endpoints = args.is_set("endpoints");
    let lines = shown.into_iter().map(|(range, endpoints)| match endpoints.as_slice() {
        _ if !with_endpoints => range.to_string(),
        // The empty text stands for all endpoints, and is sorted first.
        ["", ..] => format!("{range} (*)"),
        some => format!("{range} ({})", some.join(", ")),
    });
    let lines: Vec<String> = lines.collect();
    if args.format() == "smart" {
        return Ok(lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect());
    }
    Ok(render(&json!(lines), args.format()))
}

#[cfg(test)]
mod tests {
    use crate::juju::testing::tools::told;
    use crate::juju::testing::{HookContext, Model};

    #[test]
    fn answers_are_jujus() {
        let juju = Model::new("app/0");
        let cases = [
            ("opened-ports --format=json", "0 []\n"),
            ("opened-ports", "0 "),
            ("open-port 80", "0 "),
            ("open-port 80/tcp", "0 "),
            ("open-port 10-20/TCP --endpoints=foo,bar", "0 "),
            ("open-port 63/udp", "0 "),
            ("open-port icmp", "0 "),
            ("opened-ports", "0 icmp\n10-20/tcp\n80/tcp\n63/udp\n"),
            (
                "opened-ports --endpoints --format json",
                "0 [\"icmp (*)\",\"10-20/tcp (bar, foo)\",\"80/tcp (*)\",\"63/udp (*)\"]\n",
            ),
            (
                "open-port 15-30",
                "1 ERROR cannot open 15-30/tcp (unit \"app/0\"): port range conflicts with 10-20/tcp (unit \"app/0\")\n",
            ),
            ("close-port 80", "0 "),
            ("close-port 80", "0 "),
            ("close-port 10-20 --endpoints foo", "0 "),
            ("opened-ports --endpoints", "0 icmp (*)\n10-20/tcp (bar)\n63/udp (*)\n"),
            ("open-port", "2 ERROR no port or range specified\n"),
            (
                "open-port 80/sctp",
                "2 ERROR invalid protocol \"sctp\", expected \"tcp\", \"udp\", or \"icmp\"\n",
            ),
            ("open-port 2-1", "2 ERROR invalid port range 2-1/tcp\n"),
            ("open-port 70000", "2 ERROR port range bounds must be between 0 and 65535, got 70000-70000\n"),
            ("close-port 80 x", "2 ERROR unrecognized args: [\"x\"]\n"),
            ("opened-ports foo", "2 ERROR unrecognized args: [\"foo\"]\n"),
        ];
        for (line, expected) in cases {
            assert_eq!(told(&juju, line), expected, "{line}");
        }
    }

    #[test]
    fn changes_are_dropped_with_a_failed_hook() {
        let juju = Model::new("app/0");
        juju.begin_hook(HookContext::new());
        assert_eq!(told(&juju, "open-port 80"), "0 ");
        assert_eq!(told(&juju, "opened-ports"), "0 80/tcp\n");
        juju.abort_hook();
        assert!(juju.opened_ports().is_empty());
    }
}
