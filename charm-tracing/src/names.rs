//! The names of roots, events and methods. They are those of the Python library, so that dashboards and queries keep working.
//! The span of a hook tool is named in `hook_tools.rs`.

use opentelemetry::KeyValue;

/// Returns the name of the root of a dispatch, such as `app/0: update-status event`.
pub(crate) fn root(unit: &str, dispatch_path: &str) -> String {
    let name = dispatch_path.split_once('/').map_or(dispatch_path, |(_, name)| name);
    format!("{unit}: {name} event")
}

/// The attribute of a root with the number of spans that its trace lacks because the quota was used up.
pub(crate) const DROPPED_SPANS: &str = "charm_tracing.dropped_spans";

/// Returns the attribute with the exit code of a process.
pub(crate) fn exit_code(code: i32) -> KeyValue {
    KeyValue::new("process.exit.code", i64::from(code))
}

/// Returns the attribute with the id of a process.
pub(crate) fn process_id(id: u32) -> KeyValue {
    KeyValue::new("process.pid", i64::from(id))
}

/// Returns the name of the span of an event, such as `event: update_status`.
pub(crate) fn event(name: &str) -> String {
    format!("event: {name}")
}

/// Returns the name of the span of a method, such as `method call: MyCharm.on_start`.
pub(crate) fn method_call(type_name: &str, method: &str) -> String {
    format!("method call: {type_name}.{method}")
}

/// Returns the name of a type without paths, arguments and references, such as `Vec` for `alloc::vec::Vec<my_charm::Unit>`.
/// `full` is the name that `std::any::type_name` returns.
pub(crate) fn short_type_name(full: &str) -> String {
    let mut rest = full;
    while let Some(inner) = rest.strip_prefix('&').or_else(|| rest.strip_prefix("mut ")) {
        rest = inner;
    }
    let (mut short, mut depth, mut previous) = (String::new(), 0_usize, ' ');
    for char in rest.chars() {
        match char {
            '<' => depth += 1,
            '>' if previous != '-' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            // The text before the colon was a part of the path.
            ':' => short.truncate(short.rfind(|end| "([&*, ".contains(end)).map_or(0, |end| end + 1)),
            _ => short.push(char),
        }
        previous = char;
    }
    short
}

#[cfg(test)]
mod tests;
