use opentelemetry::KeyValue;
use tracing_relation::juju::{Dispatch, EnvironmentError};
use tracing_relation::read_regular_file;

use crate::span::catch_panics;
use crate::{Config, otel_variables};

/// Returns the resource of this dispatch's spans: the attributes of the Python `charm_tracing` and of `ops-tracing`.
///
/// # Errors
///
/// Returns an error if Juju's variables do not name the unit and the model.
pub(crate) fn of_unit(dispatch: &Dispatch, config: &Config) -> Result<Vec<KeyValue>, EnvironmentError> {
    let (unit, application) = (dispatch.unit_name()?, dispatch.application()?);
    let (model, model_uuid) = (dispatch.model_name()?, dispatch.model_uuid()?);
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
    // Of two with the same key, the first counts.
    let others = config.resource_attributes.iter().cloned();
    let version = version(dispatch).map(|version| KeyValue::new("service.version", version));
    for attribute in others.chain(version).chain(of_variables) {
        if attributes.iter().all(|other| other.key != attribute.key) {
            attributes.push(attribute);
        }
    }
    Ok(attributes)
}

/// Returns a hint about a service name that does not end in `-charm`.
pub(crate) fn hint(resource: &[KeyValue]) -> Option<&'static str> {
    let service = resource.iter().find(|attribute| attribute.key.as_str() == "service.name")?;
    (!service.value.as_str().ends_with("-charm")).then_some(
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
mod tests {
    use super::*;

    fn of(directory: &std::path::Path, variables: &[(&str, &str)], config: &Config) -> Vec<(String, String)> {
        let unit = [
            ("JUJU_UNIT_NAME", "app/0"),
            ("JUJU_MODEL_NAME", "m"),
            ("JUJU_MODEL_UUID", "u"),
            ("JUJU_CHARM_DIR", directory.to_str().unwrap()),
        ];
        let dispatch = Dispatch::from_vars(unit.iter().chain(variables).copied());
        let resource = of_unit(&dispatch, config).unwrap();
        resource
            .into_iter()
            .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
            .collect()
    }

    fn value<'a>(resource: &'a [(String, String)], key: &str) -> Option<&'a str> {
        let mut values = resource.iter().filter(|(other, _)| other == key).map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "{key} is there once");
        first
    }

    #[test]
    fn the_charm_says_first_then_juju_and_then_the_variables() {
        let directory = tempfile::tempdir().unwrap();
        let variables = [
            ("OTEL_SERVICE_NAME", "named-charm"),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "service.name=other,juju_unit=x/9,team=a%2Cb,zone=z1,service.version=9",
            ),
        ];
        let resource = of(directory.path(), &variables, &Config::new().resource_attribute("team", "ours"));
        for (key, expected) in [
            ("service.name", "named-charm"),
            ("compose_service", "named-charm"),
            ("juju_unit", "app/0"),
            ("team", "ours"),
            ("zone", "z1"),
            ("service.version", "9"),
        ] {
            assert_eq!(value(&resource, key), Some(expected), "{key}");
        }
        let resource = of(directory.path(), &variables[1..], &Config::new());
        assert_eq!(value(&resource, "service.name"), Some("other"));
        let resource = of(directory.path(), &variables, &Config::new().service_name("own-charm"));
        assert_eq!(value(&resource, "service.name"), Some("own-charm"));
        let resource = of(directory.path(), &[], &Config::new().resource_attribute("juju_unit", "x/9"));
        assert_eq!(value(&resource, "juju_unit"), Some("app/0"));
        assert_eq!(value(&resource, "service.name"), Some("app-charm"));
    }

    #[test]
    fn the_version_is_that_of_the_charms_file() {
        let directory = tempfile::tempdir().unwrap();
        let version =
            |config: &Config| value(&of(directory.path(), &[], config), "service.version").map(str::to_owned);
        let file = directory.path().join("version");
        assert_eq!(version(&Config::new()), None);
        std::fs::write(&file, "1.2-3-gabcdef\n").unwrap();
        assert_eq!(version(&Config::new()).as_deref(), Some("1.2-3-gabcdef"));
        assert_eq!(version(&Config::new().resource_attribute("service.version", "2")).as_deref(), Some("2"));
        for bad in [&b""[..], b"\n", b"\xff", b"a\nb", &[b'1'; 300]] {
            std::fs::write(&file, bad).unwrap();
            assert_eq!(version(&Config::new()), None, "{bad:?}");
        }
    }
}
