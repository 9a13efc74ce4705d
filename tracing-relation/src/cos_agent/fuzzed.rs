//! Checks the properties that hold for any text that either unit has published.

use super::wire;
use crate::ReceiverProtocol;
use crate::json::{self, Members};
use crate::juju::Databag;

/// Checks that a `config` of any text gets the request once, and keeps it, and that any list of receivers can be read.
///
/// # Panics
///
/// Panics if one of these properties does not hold.
pub fn cos_agent(input: &[u8]) {
    // Juju has no databag that is not UTF-8.
    let text = String::from_utf8_lossy(input);
    for protocols in [&[ReceiverProtocol::OtlpHttp, ReceiverProtocol::OtlpGrpc][..], &[]] {
        let names: Vec<&str> = protocols.iter().map(|protocol| protocol.as_str()).collect();
        let written = wire::with_request(Some(&text), protocols);
        let config = written.as_deref().unwrap_or(&text);
        assert!(json::read::<Members<'_>>(config).is_ok(), "a collector cannot read {config}");
        assert_eq!(wire::requested_in(config), names, "{config}");
        assert_eq!(wire::with_request(Some(config), protocols), None, "{config}");
    }
    let databag = Databag::from([("receivers".to_owned(), text.into_owned())]);
    let _ = wire::receivers(&databag, |ignored| assert!(!ignored.is_empty()));
}
