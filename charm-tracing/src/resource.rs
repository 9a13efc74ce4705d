use opentelemetry::KeyValue;
use tracing_relation::juju::{Dispatch, EnvironmentError};
use tracing_relation::read_regular_file;

use crate::span::catch_panics;
use crate::{Config, otel_variables};

/// The unit of a dispatch, in its model.
pub(crate) struct Unit<'a> {
    pub(crate) name: &'a str,
    application: &'a str,
    number: u32,
    model: &'a str,
    model_uuid: &'a str,
}

impl<'a> Unit<'a> {
    /// Reads the unit from Juju's variables.
    ///
    /// # Errors
    ///
    /// Returns an error if they do not name the unit and the model.
    pub(crate) fn of(dispatch: &'a Dispatch) -> Result<Self, EnvironmentError> {
        Ok(Self {
            name: dispatch.unit_name()?,
            application: dispatch.application()?,
            number: dispatch.unit_number()?,
            model: dispatch.model_name()?,
            model_uuid: dispatch.model_uuid()?,
        })
    }
}

/// Returns the resource of the spans of this unit's dispatch: the attributes of the Python `charm_tracing` and of
/// `ops-tracing`.
pub(crate) fn of_unit(unit: &Unit<'_>, dispatch: &Dispatch, config: &Config) -> Vec<KeyValue> {
    let Unit { name: unit, application, number, model, model_uuid } = *unit;
    let variable = |name: &str| dispatch.var(name);
    let of_variables = otel_variables::resource(variable);
    let named = config.service_name.clone();
    let named = named.or_else(|| otel_variables::service_name(variable, &of_variables));
    let service = named.unwrap_or_else(|| format!("{application}-charm"));
    let attributes = [
        ("service.name", service.clone()),
        ("compose_service", service),
        ("service.namespace", model_uuid.to_owned()),
        ("service.namespace.name", model.to_owned()),
        ("service.instance.id", number.to_string()),
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
    // Of two with the same key, the first counts.
    let others = config.resource_attributes.iter().cloned();
    let version = version(dispatch).map(|version| KeyValue::new("service.version", version));
    for attribute in others.chain(version).chain(of_variables) {
        if attributes.iter().all(|other| other.key != attribute.key) {
            attributes.push(attribute);
        }
    }
    attributes
}

/// Returns a hint about a service name that does not end in `-charm`.
pub(crate) fn hint(resource: &[KeyValue]) -> Option<&'static str> {
    (!otel_variables::name_in(resource)?.ends_with("-charm")).then_some(
        "the service name does not end in `-charm`: the tail sampling of the OpenTelemetry collector of Canonical keeps only \
         1 % of the traces of such services",
    )
}

/// Returns the version of the charm, which charmcraft writes into the file `version` of the charm directory; `None` if there is no
/// such file, or it is not one short line of text.
fn version(dispatch: &Dispatch) -> Option<String> {
    let content = read_regular_file(&dispatch.charm_dir().join("version"), LONGEST_VERSION).ok()?;
    let version = std::str::from_utf8(&content).ok()?.trim();
    (!version.is_empty() && !version.contains(char::is_control)).then(|| version.to_owned())
}

const LONGEST_VERSION: u64 = 256;

#[cfg(test)]
mod tests;
