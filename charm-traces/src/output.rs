//! The output of the program. Colours reach a terminal only, and not where `NO_COLOR` is set.

use std::fmt::Display;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use charm_tracing::__charm_traces::in_one_line;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
pub(crate) const WEAK: Style = Style::new().dimmed();

/// The width of what is no terminal.
const COLUMNS: usize = 100;

/// Prints a text. A reader that has seen enough (`| head`) is no error.
pub(crate) fn print(text: impl Display) -> io::Result<()> {
    let text = text.to_string();
    let plain = anstream::AutoStream::choice(&io::stdout()) == anstream::ColorChoice::Never;
    let text = if plain { anstream::adapter::strip_str(&text).to_string() } else { text };
    // A stream that strips writes each piece between two colours by itself.
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Prints a complaint on the standard error, in one line.
pub(crate) fn complain(complaint: impl Display) {
    let text = in_one_line(&complaint.to_string());
    _ = writeln!(anstream::stderr().lock(), "{}: {text}", painted(BAD, "charm-traces"));
}

/// Returns the text in a style; nothing if there is no text.
pub(crate) fn painted(style: Style, text: impl Display) -> String {
    let text = text.to_string();
    if text.is_empty() { text } else { format!("{style}{text}{style:#}") }
}

/// Returns the width of the terminal, or that of a page if there is none.
pub(crate) fn columns() -> usize {
    terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| width.0.into())
}

/// Paints the trace ids, the bars and the errors of a picture of traces.
pub(crate) fn painted_picture(picture: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("trace ") {
            return painted(HEADING, line);
        }
        let (span, error) = line.split_once('✗').map_or((line, None), |(span, error)| (span, Some(error)));
        let span = match (span.find('█'), span.rfind('█')) {
            (Some(from), Some(to)) => {
                let to = to + '█'.len_utf8();
                let style = if error.is_some() { BAD } else { AnsiColor::Cyan.on_default() };
                format!("{}{}{}", &span[..from], painted(style, &span[from..to]), &span[to..])
            }
            _ => span.to_owned(),
        };
        error.map_or_else(|| span.clone(), |error| format!("{span}{}", painted(BAD, format!("✗{error}"))))
    };
    picture.lines().map(|each| line(each) + "\n").collect()
}

/// Writes a moment, in nanoseconds since 1970, in the zone of this machine.
pub(crate) fn local_time(unix_nanos: u64) -> String {
    let time = Timestamp::from_nanosecond(unix_nanos.into()).unwrap_or_default();
    time.to_zoned_datetime(TimeZone::system()).strftime("%F %T").to_string()
}
