//! Colours, which reach a terminal only, and not where `NO_COLOR` is set.

use std::io::Write;

use anstyle::{AnsiColor, Style};

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
const WARNING: Style = AnsiColor::Yellow.on_default();
const ASIDE: Style = Style::new().dimmed();

/// Prints a line. The reader may have seen enough (`| head`); the story goes on and cleans up.
macro_rules! say {
    ($($line:tt)*) => {
        $crate::paint::show(&format!("{}\n", format_args!($($line)*)))
    };
}
pub(crate) use say;

/// Prints a text whose colours are taken away unless they are wanted.
pub(crate) fn show(text: &str) {
    _ = anstream::stdout().write_all(text.as_bytes());
}

pub(crate) fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a line of Juju's log.
pub(crate) fn of_level(level: &str) -> Style {
    match level {
        "DEBUG" | "TRACE" => ASIDE,
        "WARNING" => WARNING,
        "ERROR" | "CRITICAL" => BAD,
        _ => PLAIN,
    }
}

/// Paints the ids and the complaints in a picture of traces.
pub(crate) fn picture(picture: &str) -> String {
    let line = |line: &str| match line.split_once('✗') {
        _ if line.starts_with("trace ") => painted(HEADING, line),
        Some((span, complaint)) => format!("{span}{}", painted(BAD, &format!("✗{complaint}"))),
        None => line.to_owned(),
    };
    picture.lines().map(|each| line(each) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_the_same_but_for_its_colours() {
        let plain = "trace 07\nx event  1 ms  ✗ no such unit\n  y        2 µs\n";
        assert_eq!(
            picture(plain),
            "\u{1b}[1mtrace 07\u{1b}[0m\nx event  1 ms  \u{1b}[31m✗ no such unit\u{1b}[0m\n  y        2 µs\n"
        );
    }
}
