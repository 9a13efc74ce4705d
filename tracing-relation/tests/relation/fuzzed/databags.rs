//! Whatever the other side has written into its databag: reading it neither panics nor fails, and what was read is
//! read again from what we would write.
//!
//! An input is a databag: `key=value` pairs between zero bytes. A pair without `=` is the value of `receivers`.

use tracing_relation::juju::Databag;
use tracing_relation::{ProviderAppData, Receiver, ReceiverProtocol, RequirerAppData};

pub(crate) fn check(input: &[u8]) {
    let databag = databag(input);
    if let Ok(data) = ProviderAppData::load(&databag) {
        let again = ProviderAppData::load(&data.to_databag()).expect("what we write can be read");
        assert_eq!(again, data);
        for protocol in ReceiverProtocol::ALL {
            assert!(data.receiver(protocol).is_none_or(|found| !found.url.is_empty()));
        }
        for Receiver { url, .. } in &data.receivers {
            let _ = Receiver::on_port(ReceiverProtocol::OtlpHttp, url, 4318);
        }
    }
    if let Ok(data) = RequirerAppData::load(&databag) {
        assert_eq!(RequirerAppData::load(&data.to_databag()).expect("what we write can be read"), data);
    }
}

fn databag(input: &[u8]) -> Databag {
    // Juju has no databag that is not UTF-8.
    let text = String::from_utf8_lossy(input);
    let pairs = text.split('\0').map(|pair| pair.split_once('=').unwrap_or(("receivers", pair)));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
