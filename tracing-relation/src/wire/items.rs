//! Reads lists in databags, and keeps the valid items.

use std::error::Error;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ReceiverProtocol;
use crate::json::{self, JsonError, Object};
use crate::juju::Databag;

/// The only key of version 2 of the interface, on both sides.
pub(crate) const RECEIVERS: &str = "receivers";

/// The number of ignored items that a message describes.
const DESCRIBED: usize = 3;

/// The error of a databag that breaks the rules of the interface: the list is missing, because the other side has not answered
/// yet, or it is no list in JSON, or none of its items is usable.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DataValidationError {
    message: String,
    /// The reason why the text cannot be read, if it cannot.
    source: Option<JsonError>,
}

/// Returns the databag that one side publishes in version 2.
pub(super) fn databag(receivers: &[impl Serialize]) -> Databag {
    Databag::from([(RECEIVERS.to_owned(), json::dumps(&receivers))])
}

/// Reads the items of the list under `key` with `read`. If it fails for some, `tell` gets a text with their numbers and the
/// reasons.
pub(crate) fn read<T>(
    databag: &Databag,
    key: &'static str,
    tell: impl FnOnce(&str),
    read: impl Fn(&RawValue) -> Result<T, Box<dyn Error>>,
) -> Result<Vec<T>, DataValidationError> {
    let refused = |message: String, source| DataValidationError { message, source };
    let missing = || refused(format!("cannot find the key `{RECEIVERS}` in the databag"), None);
    let list = databag.get(key).ok_or_else(missing)?;
    let items: Vec<&RawValue> = json::read(list).map_err(|source| {
        refused(format!("cannot read `{key}` in the databag as a JSON list"), Some(source))
    })?;
    let (count, mut usable, mut ignored) = (items.len(), Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        match read(item) {
            Ok(item) => usable.push(item),
            Err(why) => ignored.push(format!("item {} ({why})", index + 1)),
        }
    }
    if usable.is_empty() && count > 0 {
        return Err(refused(format!("cannot use any of the {count} `{key}` in the databag"), None));
    }
    if !ignored.is_empty() {
        let more = if ignored.len() > DESCRIBED { ", ..." } else { "" };
        let described = ignored[..ignored.len().min(DESCRIBED)].join(", ");
        tell(&format!("ignored {} of {count} `{key}` in a databag: {described}{more}", ignored.len()));
    }
    Ok(usable)
}

/// Returns a field of an item.
pub(crate) fn field<'a>(item: &Object<'a>, name: &'static str) -> Result<&'a RawValue, String> {
    item.get(name).copied().ok_or_else(|| format!("without the field `{name}`"))
}

/// Returns the protocol that has this name in versions 0 and 1 of the interface.
pub(super) fn legacy_protocol(name: &str) -> Option<ReceiverProtocol> {
    match name {
        "jaeger_http_thrift" => Some(ReceiverProtocol::JaegerThriftHttp),
        name => name.parse().ok(),
    }
}
