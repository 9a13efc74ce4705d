use super::*;

fn url_in(value: &impl Setting<OsString>) -> Option<OsString> {
    value.read()
}

fn certificate_in(value: &impl Setting<Certificate>) -> Option<Certificate> {
    value.read()
}

fn pem_in(value: &impl Setting<Pem>) -> Option<Pem> {
    value.read()
}

#[test]
fn a_setting_is_a_text_or_a_path_or_may_be_one() {
    let url = || Some(OsString::from("http://tempo:4318"));
    assert_eq!(url_in(&"http://tempo:4318"), url());
    assert_eq!(url_in(&String::from("http://tempo:4318")), url());
    assert_eq!(url_in(&Some("http://tempo:4318")), url());
    assert_eq!(url_in(&Ok::<_, String>(Some(Arc::<str>::from("http://tempo:4318")))), url());
    assert_eq!(url_in(&Path::new("/etc/ca.crt")), Some("/etc/ca.crt".into()));
    assert_eq!(url_in(&Some(PathBuf::from("/etc/ca.crt"))), Some("/etc/ca.crt".into()));
}

#[test]
fn nothing_and_empty_and_errors_are_no_setting() {
    assert_eq!(url_in(&""), None);
    assert_eq!(url_in(&None::<String>), None);
    assert_eq!(url_in(&Some(PathBuf::new())), None);
    assert_eq!(url_in(&Err::<String, _>("no relation")), None);
}

#[test]
fn a_certificate_is_a_text_in_pem_or_a_path_or_itself() {
    let file = || Some(Certificate::File("/etc/ca.crt".into()));
    assert_eq!(certificate_in(&"/etc/ca.crt"), file());
    assert_eq!(certificate_in(&Some(String::from("/etc/ca.crt"))), file());
    assert_eq!(certificate_in(&Ok::<_, String>(Path::new("/etc/ca.crt"))), file());
    assert_eq!(certificate_in(&Some(PathBuf::from("/etc/ca.crt"))), file());

    for pem in [
        "-----BEGIN CERTIFICATE-----\nMII",
        "\n  -----BEGIN X",
        "# the authority\n-----BEGIN CERTIFICATE-----\nMII",
        "subject=CN = tempo\n-----BEGIN CERTIFICATE-----\nMII",
        "Bag Attributes\n    friendlyName: tempo\n-----BEGIN CERTIFICATE-----\nMII",
        "\u{feff}-----BEGIN CERTIFICATE-----\r\nMII",
        "/CN=tempo\n-----BEGIN CERTIFICATE-----\nMII",
    ] {
        let text = || Some(Certificate::Pem(pem.to_owned()));
        assert_eq!(certificate_in(&pem), text());
        assert_eq!(certificate_in(&Ok::<_, ()>(Some(Arc::<str>::from(pem)))), text());
        assert_eq!(certificate_in(&OsString::from(pem)), text());
        assert_eq!(certificate_in(&Path::new(pem)), Some(Certificate::File(pem.into())), "a path is no text");
    }

    let latin1: OsString =
        std::os::unix::ffi::OsStringExt::from_vec(b"caf\xe9\n-----BEGIN CERTIFICATE-----".to_vec());
    assert!(matches!(certificate_in(&latin1), Some(Certificate::Pem(_))));
    assert_eq!(certificate_in(&" /etc/ca.crt\n"), file());

    let given = Certificate::System;
    assert_eq!(certificate_in(&given), Some(Certificate::System));
    assert_eq!(certificate_in(&Some(&given)), Some(Certificate::System));
    assert_eq!(certificate_in(&Ok::<_, String>(Some(given))), Some(Certificate::System));
}

#[test]
fn nothing_and_empty_and_errors_are_no_certificate() {
    assert_eq!(certificate_in(&""), None);
    assert_eq!(certificate_in(&None::<Certificate>), None);
    assert_eq!(certificate_in(&Some(PathBuf::new())), None);
    assert_eq!(certificate_in(&Err::<Certificate, _>("no relation")), None);
}

#[test]
fn a_client_certificate_and_its_key_are_a_text_or_an_absolute_path_or_a_pem() {
    let file = || Some(Pem::File("/etc/client.key".into()));
    assert_eq!(pem_in(&"/etc/client.key"), file());
    assert_eq!(pem_in(&Some(String::from("/etc/client.key"))), file());
    assert_eq!(pem_in(&Ok::<_, String>(Path::new("/etc/client.key"))), file());
    assert_eq!(pem_in(&Some(PathBuf::from("client.key"))), Some(Pem::File("client.key".into())));

    let key = "Bag Attributes: none\n-----BEGIN PRIVATE KEY-----\nMII";
    let text = || Some(Pem::Text(key.to_owned()));
    assert_eq!(pem_in(&key), text());
    assert_eq!(pem_in(&Ok::<_, ()>(Some(Arc::<str>::from(key)))), text());
    assert_eq!(pem_in(&OsString::from(key)), text());
    assert_eq!(pem_in(&Some(&text().unwrap())), text());
    assert_eq!(pem_in(&"/etc/client.key\n"), file());
    let key = "/CN=charm\n-----BEGIN PRIVATE KEY-----\nMII";
    assert_eq!(pem_in(&key), Some(Pem::Text(key.to_owned())), "no path, which would be shown");
}

#[test]
fn a_key_in_another_form_is_not_taken_for_a_path_which_would_be_shown() {
    let key = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t";
    assert_eq!(pem_in(&key), Some(Pem::Text(key.to_owned())));
    assert!(!format!("{:?}", pem_in(&key)).contains(key));
}

#[test]
fn nothing_and_empty_and_errors_are_no_client_certificate() {
    assert_eq!(pem_in(&""), None);
    assert_eq!(pem_in(&None::<Pem>), None);
    assert_eq!(pem_in(&Some(PathBuf::new())), None);
    assert_eq!(pem_in(&Err::<Pem, _>("no relation")), None);
}

#[test]
fn a_destination_has_a_client_certificate_if_there_is_a_key_too() {
    let pem = || Some(Pem::Text("-----BEGIN".to_owned()));
    let read = |chain, key| {
        let members = Members::new().tracing_endpoint(&"https://tempo:4318");
        members.server_cert(&Certificate::System).client_cert(&chain).client_key(&key).destination()
    };
    let destination = || Some(Destination::new("https://tempo:4318", Some(Certificate::System)));
    let own = ClientCertificate::new(pem().unwrap(), pem().unwrap());
    let with = destination().map(|destination| destination.client_certificate(own));
    assert_ne!(with, destination());
    assert_eq!(read(pem(), pem()), with);
    for (chain, key) in [(None, None), (pem(), None), (None, pem())] {
        assert_eq!(read(chain, key), destination());
    }
    assert_eq!(Members::new().client_cert(&pem()).client_key(&pem()).destination(), None);
}
