use super::items::{self, DataValidationError, RECEIVERS};
use crate::ReceiverProtocol;
use crate::json;
use crate::juju::Databag;

/// The data that the requirer (a charm that sends traces) publishes: the protocols that it requests.
///
/// Version 2 of the interface has them under `receivers`; it is read and written. Version 1 has them under `protocols`; it
/// is only read. Before version 1, requirers published nothing.
///
/// # Strictness
///
/// Unknown names of protocols are left out; the Python library refuses the whole databag for one. Both refuse a databag
/// without any usable item. The Python library knows only version 2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequirerAppData {
    /// The protocols, in the databag's order, with duplicates.
    pub receivers: Vec<ReceiverProtocol>,
}

impl RequirerAppData {
    /// Creates the data to request these protocols.
    pub fn new(receivers: impl Into<Vec<ReceiverProtocol>>) -> Self {
        Self { receivers: receivers.into() }
    }

    /// Reads a requirer's application databag, in version 1 or 2 of the interface.
    ///
    /// # Errors
    ///
    /// The databag has neither of the lists, the list is not JSON, or it has items but none names a known protocol.
    pub fn load(databag: &Databag) -> Result<Self, DataValidationError> {
        Self::load_reporting(databag, |ignored| log::debug!("{ignored}"))
    }

    /// Reads a databag as [`load`](Self::load) does, but passes the text about ignored items to `tell` instead of the log.
    pub(crate) fn load_reporting(
        databag: &Databag,
        tell: impl FnOnce(&str),
    ) -> Result<Self, DataValidationError> {
        let (key, protocol): (_, fn(&str) -> Option<ReceiverProtocol>) =
            if databag.contains_key(RECEIVERS) || !databag.contains_key("protocols") {
                (RECEIVERS, |name| name.parse().ok())
            } else {
                ("protocols", items::legacy_protocol)
            };
        let receivers = items::read(databag, key, tell, |item| {
            Ok(protocol(&json::read_part::<String>(item)?).ok_or("without the name of a known protocol")?)
        });
        Ok(Self { receivers: receivers? })
    }

    /// Returns the databag's content, byte for byte as the Python library writes it.
    #[must_use]
    pub fn to_databag(&self) -> Databag {
        let names: Vec<&str> = self.receivers.iter().map(|protocol| protocol.as_str()).collect();
        items::databag(&names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receivers(json: &str) -> Databag {
        Databag::from([(RECEIVERS.to_owned(), json.to_owned())])
    }

    #[test]
    fn requests_leave_out_unknown_protocols() {
        let data =
            RequirerAppData::load(&receivers(r#"["otlp_http", "tempo", 3, "otlp_http"]"#)).expect("valid");
        assert_eq!(data, RequirerAppData::new([ReceiverProtocol::OtlpHttp; 2]));
        assert_eq!(data.to_databag(), receivers(r#"["otlp_http", "otlp_http"]"#));
        assert_eq!(RequirerAppData::load(&receivers("[]")).expect("valid"), RequirerAppData::default());
        for (refused, databag) in [
            ("cannot find the key", Databag::new()),
            ("cannot read `receivers`", receivers("\"otlp_http\"")),
            ("cannot use any", receivers("[\"tempo\"]")),
        ] {
            let error = RequirerAppData::load(&databag).expect_err(refused);
            assert!(error.to_string().starts_with(refused), "{error}");
        }
    }
}
