use super::arguments::{Arguments, FORMAT, switch, value};
use super::call::Call;
use super::output::render_list;
use super::ports::Ports;
use super::result::{Printed, ToolResult};

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
    Ok(render_list(&lines, args.format()))
}

#[cfg(test)]
mod tests {
    use crate::juju::testing::model::told;
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
