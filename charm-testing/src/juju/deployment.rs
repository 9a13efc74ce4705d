//! The names and the version of Juju that a dispatch is told.

/// A deployed unit, as the environment of its dispatches describes it.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) unit: String,
    pub(super) model_name: String,
    pub(super) model_uuid: String,
    pub(super) juju_version: String,
}

impl Deployment {
    pub(super) fn new(application: &str) -> Self {
        Self {
            unit: format!("{application}/0"),
            model_name: "test-model".to_owned(),
            model_uuid: "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01".to_owned(),
            juju_version: "3.6.11".to_owned(),
        }
    }

    pub(super) fn application(&self) -> &str {
        self.unit.split('/').next().unwrap_or_default()
    }

    /// Returns the major and minor version of Juju: `4.1-beta1` is 4.1.
    pub(super) fn version(&self) -> (u32, u32) {
        let mut numbers =
            self.juju_version.split(['.', '-']).map(|number| number.parse().unwrap_or_default());
        let mut next = || numbers.next().unwrap_or_default();
        (next(), next())
    }
}
