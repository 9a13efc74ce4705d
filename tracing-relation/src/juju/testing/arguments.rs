//! Parses command lines by Juju's rules: flags may follow positional arguments, `--flag value` and `--flag=value` are
//! equal, one dash and two dashes are equal, and `--` ends the flags.

use super::result::ToolResult;

/// A parsed command line.
pub(super) struct Arguments {
    values: Vec<(&'static str, String)>,
    pub positional: Vec<String>,
}

/// A flag with its names. [`Arguments::value`] takes the first one.
pub(super) struct Flag {
    names: &'static [&'static str],
    takes_value: bool,
}

pub(super) const fn value(names: &'static [&'static str]) -> Flag {
    Flag { names, takes_value: true }
}

pub(super) const fn switch(names: &'static [&'static str]) -> Flag {
    Flag { names, takes_value: false }
}

pub(super) const FORMAT: Flag = value(&["format"]);
pub(super) const RELATION: Flag = value(&["r", "relation"]);

impl Arguments {
    pub(super) fn parse(args: &[String], flags: &[Flag]) -> Result<Self, ToolResult> {
        let mut parsed = Self { values: Vec::new(), positional: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                parsed.positional.extend(args.cloned());
                break;
            }
            let Some(flag) =
                arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')).filter(|f| !f.is_empty())
            else {
                parsed.positional.push(arg.clone());
                continue;
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            let Some(known) = flags.iter().find(|known| known.names.contains(&name)) else {
                return Err(ToolResult::usage(&format!("option provided but not defined: {arg}")));
            };
            let value = match value {
                Some(value) => value,
                None if !known.takes_value => "true".to_owned(),
                None => match args.next() {
                    Some(value) => value.clone(),
                    None => return Err(ToolResult::usage(&format!("option needs an argument: {arg}"))),
                },
            };
            parsed.values.push((known.names[0], value));
        }
        Ok(parsed)
    }

    /// Returns the value of a flag; the last one counts.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().rev().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn format(&self) -> &str {
        self.value("format").unwrap_or("smart")
    }

    /// Returns an error if there are more positional arguments than the tool accepts.
    pub(super) fn at_most(&self, count: usize) -> Result<(), ToolResult> {
        match self.positional.get(count..) {
            None | Some([]) => Ok(()),
            Some(rest) => Err(ToolResult::usage(&format!("unrecognized args: {rest:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Arguments, ToolResult> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Arguments::parse(&args, &[FORMAT, RELATION, switch(&["app"])])
    }

    #[test]
    fn flags_may_follow_positionals() {
        let parsed = parse(&["-", "tempo", "--format", "json", "-r=tracing:3", "--app"]).expect("valid");
        assert_eq!(parsed.positional, ["-", "tempo"]);
        assert_eq!((parsed.format(), parsed.value("r")), ("json", Some("tracing:3")));
        assert!(parsed.is_set("app"));
    }

    #[test]
    fn two_dashes_end_the_flags() {
        let parsed = parse(&["--app=false", "--", "-x", "--format=json"]).expect("valid");
        assert_eq!(parsed.positional, ["-x", "--format=json"]);
        assert!(!parsed.is_set("app"));
        assert_eq!(parsed.format(), "smart");
    }

    #[test]
    fn unknown_flags_are_a_usage_error() {
        let refused = parse(&["--ap"]).err().expect("refused");
        assert_eq!(refused.code, 2);
    }
}
