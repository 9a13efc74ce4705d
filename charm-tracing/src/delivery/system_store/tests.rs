use std::fs::File;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

fn pem() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default().self_signed(&key).unwrap().pem()
}

#[test]
fn the_environment_is_asked_before_the_distribution() {
    let named = |file: &str, directories: &str| {
        let (file, directories) = (OsString::from(file), OsString::from(directories));
        places(move |name| match name {
            "SSL_CERT_FILE" => Some(file.clone()),
            "SSL_CERT_DIR" => Some(directories.clone()),
            _ => None,
        })
    };
    assert_eq!(named("/a", ""), (Some("/a".into()), vec![]));
    assert_eq!(named("", "/b::/c"), (None, vec!["/b".into(), "/c".into()]));
    let distribution = openssl_probe::probe();
    assert_eq!(named("", ""), (distribution.cert_file, distribution.cert_dir));
}

#[test]
fn a_store_of_other_things_than_files_is_refused_at_once_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let [fifo, sparse, link] = ["fifo", "sparse", "link"].map(|name| directory.path().join(name));
    mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
    File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
    symlink("/dev/zero", &link).unwrap();
    let regular = "it is not a regular file";
    let large = "it is larger than 4194304 bytes";
    for (path, why) in [
        (fifo, regular),
        (sparse, large),
        (link, regular),
        ("/dev/zero".into(), regular),
        (directory.path().into(), regular),
    ] {
        let (found, error) = read_from(Some(path.clone()), Vec::new());
        let expected = format!("{}: {why}", path.display());
        assert_eq!((found.len(), error.unwrap().to_string()), (0, expected));
    }
    let (found, error) = read_from(None, vec![directory.path().into()]);
    assert!(found.is_empty() && error.unwrap().to_string().ends_with(large));
    let (found, error) = read_from(None, vec!["/dev/zero".into()]);
    assert!(found.is_empty() && error.is_some());
}

#[test]
fn what_can_be_read_of_a_store_is_trusted_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (one, two) = (pem(), pem());
    fs::write(path("a-large-one"), vec![b'\n'; 4 << 20]).unwrap();
    mkfifoat(CWD, path("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
    fs::create_dir(path("directory")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    fs::write(path("one.pem"), &one).unwrap();
    symlink("one.pem", path("0a1b2c3d.0")).unwrap();
    fs::write(path("two.pem"), format!("{one}{}", two.replace("CERTIFICATE", "TRUSTED CERTIFICATE")))
        .unwrap();
    let all = |file: Option<&str>| read_from(file.map(path), vec![directory.path().into()]).0.len();
    assert_eq!((all(None), all(Some("one.pem")), all(Some("fifo"))), (2, 2, 2));
    assert_eq!(read_from(Some(path("0a1b2c3d.0")), vec!["/nonexistent".into()]).0.len(), 1);
    // All files together have the limit.
    fs::write(path("three.pem"), format!("{}{}", pem(), "\n".repeat(3 << 20))).unwrap();
    fs::write(path("four.pem"), format!("{}{}", pem(), "\n".repeat((3 << 20) + 100_000))).unwrap();
    assert_eq!(all(None), 3);
}
