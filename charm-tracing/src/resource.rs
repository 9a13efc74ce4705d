use opentelemetry::KeyValue;
use tracing_relation::juju::{Dispatch, EnvironmentError};

use crate::Config;
use crate::span::catch_panics;

/// Returns the resource of this dispatch's spans: the attributes of the Python `charm_tracing` and of `ops-tracing`.
///
/// # Errors
///
/// Returns an error if Juju's variables do not name the unit and the model.
pub(crate) fn of_unit(dispatch: &Dispatch, config: &Config) -> Result<Vec<KeyValue>, EnvironmentError> {
    let (unit, application) = (dispatch.unit_name()?, dispatch.application()?);
    let (model, model_uuid) = (dispatch.model_name()?, dispatch.model_uuid()?);
    let service = config.service_name.clone().unwrap_or_else(|| format!("{application}-charm"));
    let attributes = [
        ("service.name", service.clone()),
        ("compose_service", service),
        ("service.namespace", model_uuid.to_owned()),
        ("service.namespace.name", model.to_owned()),
        ("service.instance.id", dispatch.unit_number()?.to_string()),
        ("juju_unit", unit.to_owned()),
        ("juju_application", application.to_owned()),
        ("juju_model", model.to_owned()),
        ("juju_model_uuid", model_uuid.to_owned()),
        // The semantic conventions reserve the name `opentelemetry` for OpenTelemetry's own SDK.
        ("telemetry.sdk.name", env!("CARGO_PKG_NAME").to_owned()),
        ("telemetry.sdk.language", "rust".to_owned()),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let mut attributes: Vec<_> =
        attributes.into_iter().map(|(name, value)| KeyValue::new(name, value)).collect();
    attributes.extend(config.charm_type.clone().map(|name| KeyValue::new("charm_type", name)));
    match dispatch.metadata() {
        Ok(metadata) => attributes.push(KeyValue::new("charm", metadata.name.clone())),
        Err(error) => {
            catch_panics(|| log::debug!("the resource attribute `charm` is left out: {error}"));
        }
    }
    Ok(attributes)
}
