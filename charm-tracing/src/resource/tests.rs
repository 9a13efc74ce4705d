use super::*;

fn of(directory: &std::path::Path, variables: &[(&str, &str)], config: &Config) -> Vec<(String, String)> {
    let unit = [
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_MODEL_NAME", "m"),
        ("JUJU_MODEL_UUID", "u"),
        ("JUJU_CHARM_DIR", directory.to_str().unwrap()),
    ];
    let dispatch = Dispatch::from_vars(unit.iter().chain(variables).copied());
    let resource = of_unit(&Unit::of(&dispatch).unwrap(), &dispatch, config);
    resource.into_iter().map(|attribute| (attribute.key.to_string(), attribute.value.to_string())).collect()
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
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,juju_unit=x/9,team=a%2Cb,zone=z1,service.version=9"),
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
