use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;

use ureq::http::HeaderMap;

use super::{Setting, Value};
use crate::delivery::headers;

/// A text is `name=value,name2=value2` with percent-encoded values, as in `OTEL_EXPORTER_OTLP_HEADERS`.
impl Value for HeaderMap {
    fn of_text(text: OsString) -> Self {
        headers::parse(&text.to_string_lossy())
    }

    fn of_path(path: OsString) -> Self {
        Self::of_text(path)
    }
}

macro_rules! pairs {
    ($([$($generics:tt)*] $ty:ty),+) => {$(
        /// The names and values are as they are sent. Those that cannot be sent are left out.
        #[diagnostic::do_not_recommend]
        impl<K: AsRef<str>, V: AsRef<str>, $($generics)*> Setting<HeaderMap> for $ty {
            fn read(&self) -> Option<HeaderMap> {
                let mut headers = HeaderMap::new();
                for (name, value) in self {
                    headers::add(&mut headers, name.as_ref(), value.as_ref());
                }
                Some(headers)
            }
        }
    )+};
}
pairs!([] [(K, V)], [const N: usize] [(K, V); N], [] Vec<(K, V)>, [] BTreeMap<K, V>, [S] HashMap<K, V, S>);

#[cfg(test)]
mod tests;
