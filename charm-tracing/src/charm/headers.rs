use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fmt;

use super::{Setting, Value};
use crate::delivery::Destination;

/// The headers that a charm names for the requests to its destination.
#[derive(PartialEq, Eq)]
pub enum Headers {
    /// `name=value,name2=value2` with percent-encoded values, as in `OTEL_EXPORTER_OTLP_HEADERS`.
    Text(String),
    /// Names and values as they are sent.
    Pairs(Vec<(String, String)>),
}

impl Headers {
    /// Adds the headers to a destination. Those that cannot be sent are left out.
    pub(crate) fn add_to(self, mut destination: Destination) -> Destination {
        match self {
            Self::Text(text) => {
                destination.set_headers(&text);
                destination
            }
            Self::Pairs(pairs) => {
                pairs.iter().fold(destination, |destination, (name, value)| destination.header(name, value))
            }
        }
    }
}

/// Shows no value, because it may be a token.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Headers(..)")
    }
}

impl Value for Headers {
    fn of_text(text: OsString) -> Self {
        Self::Text(text.to_string_lossy().into_owned())
    }

    fn of_path(path: OsString) -> Self {
        Self::of_text(path)
    }
}

macro_rules! pairs {
    ($([$($generics:tt)*] $ty:ty),+) => {$(
        #[diagnostic::do_not_recommend]
        impl<K: AsRef<str>, V: AsRef<str>, $($generics)*> Setting<Headers> for $ty {
            fn read(&self) -> Option<Headers> {
                let owned = |name: &K, value: &V| (name.as_ref().to_owned(), value.as_ref().to_owned());
                let pairs: Vec<_> = self.iter().map(|pair| pairs!(@owned owned, pair)).collect();
                (!pairs.is_empty()).then_some(Headers::Pairs(pairs))
            }
        }
    )+};
    (@owned $owned:ident, $pair:ident) => {{
        let (name, value) = $pair;
        $owned(name, value)
    }};
}
pairs!([] [(K, V)], [const N: usize] [(K, V); N], [] Vec<(K, V)>, [] BTreeMap<K, V>, [S] HashMap<K, V, S>);

#[cfg(test)]
mod tests;
