//! Reads lists in databags, and keeps the valid items.

use std::error::Error;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ReceiverProtocol;
use crate::json::{self, JsonError, Object};
use crate::juju::Databag;

/// The only key of version 2 of the interface, on both sides.
pub(super) const RECEIVERS: &str = "receivers";

/// The number of ignored items that a message describes.
const DESCRIBED: usize = 3;

/// The error of a databag that breaks the rules of the interface.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataValidationError {
    /// The list is missing, because the other side has not answered yet.
    #[error("cannot find the key `receivers` in the databag")]
    Missing,
    /// The value is not JSON, or not a list.
    #[error("cannot read `{key}` in the databag as a JSON list")]
    #[non_exhaustive]
    NotAList {
        /// The key in the databag.
        key: &'static str,
        /// The reason why the text cannot be read.
        source: JsonError,
    },
    /// The list has items, but none is usable.
    #[error("cannot use any of the {count} `{key}` in the databag")]
    #[non_exhaustive]
    NothingUsable {
        /// The key in the databag.
        key: &'static str,
        /// The number of items.
        count: usize,
    },
}

/// Returns the databag that one side publishes in version 2.
pub(super) fn databag(receivers: &[impl Serialize]) -> Databag {
    Databag::from([(RECEIVERS.to_owned(), json::dumps(&receivers))])
}

/// Reads the items of the list under `key` with `read`. If it fails for some, `tell` gets a text with their numbers and the
/// reasons.
pub(super) fn read<T>(
    databag: &Databag,
    key: &'static str,
    tell: impl FnOnce(&str),
    read: impl Fn(&RawValue) -> Result<T, Box<dyn Error>>,
) -> Result<Vec<T>, DataValidationError> {
    let list = databag.get(key).ok_or(DataValidationError::Missing)?;
    let items: Vec<&RawValue> =
        json::read(list).map_err(|source| DataValidationError::NotAList { key, source })?;
    let (count, mut usable, mut ignored) = (items.len(), Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        match read(item) {
            Ok(item) => usable.push(item),
            Err(why) => ignored.push(format!("item {} ({why})", index + 1)),
        }
    }
    if usable.is_empty() && count > 0 {
        return Err(DataValidationError::NothingUsable { key, count });
    }
    if !ignored.is_empty() {
        let more = if ignored.len() > DESCRIBED { ", ..." } else { "" };
        let described = ignored[..ignored.len().min(DESCRIBED)].join(", ");
        tell(&format!("ignored {} of {count} `{key}` in a databag: {described}{more}", ignored.len()));
    }
    Ok(usable)
}

/// Returns a field of an item.
pub(super) fn field<'a>(item: &Object<'a>, name: &'static str) -> Result<&'a RawValue, String> {
    item.get(name).copied().ok_or_else(|| format!("without the field `{name}`"))
}

/// Returns the protocol that has this name in versions 0 and 1 of the interface.
pub(super) fn legacy_protocol(name: &str) -> Option<ReceiverProtocol> {
    match name {
        "jaeger_http_thrift" => Some(ReceiverProtocol::JaegerThriftHttp),
        name => name.parse().ok(),
    }
}
