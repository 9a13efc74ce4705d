use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

fn parse(text: &str) -> Result<Metadata, MetadataError> {
    Metadata::parse(text.as_bytes(), PathBuf::from("metadata.yaml"))
}

#[test]
fn endpoints_are_read_in_both_forms() {
    let metadata = parse(
        "name: my-charm\nrequires:\n  tracing: {interface: tracing, limit: 1, optional: true}\n  db: mysql\n\
         provides:\n  web:\n    interface: http\npeers: {replicas: {interface: my_peers}}\n",
    )
    .expect("valid");
    assert_eq!(metadata.name, "my-charm");
    let tracing = Endpoint { interface: "tracing".to_owned(), limit: Some(1), optional: true };
    assert_eq!(metadata.endpoint("tracing"), Some((Role::Requires, &tracing)));
    let db = Endpoint { interface: "mysql".to_owned(), limit: None, optional: false };
    assert_eq!(metadata.endpoint("db"), Some((Role::Requires, &db)));
    assert_eq!(metadata.endpoint("web").map(|(role, _)| role), Some(Role::Provides));
    assert_eq!(metadata.endpoint("replicas").map(|(role, _)| role), Some(Role::Peer));
    assert_eq!(metadata.endpoint("nowhere"), None);
}

#[test]
fn what_has_another_form_is_left_out() {
    let metadata =
        parse("requires:\n  a: 3\n  b: {limit: 1}\n  c: {interface: x, limit: many}\nprovides: []\n");
    let metadata = metadata.expect("a mapping");
    assert_eq!(metadata.requires.keys().collect::<Vec<_>>(), ["c"]);
    assert_eq!(metadata.requires["c"].limit, None);
}

#[test]
fn anything_but_a_mapping_is_an_error_that_names_the_file() {
    for text in ["", "- a\n", "text", "a: [", "a: b: c", "\t"] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.to_string(), "cannot understand metadata.yaml as a charm's metadata", "{text:?}");
    }
    assert!(parse("a: [").expect_err("not YAML").source().is_some());
}

#[test]
fn charmcraft_yaml_counts_where_that_is_all_there_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let none = Metadata::load(directory.path()).expect_err("empty");
    assert!(matches!(none, MetadataError::NotFound { .. }), "{none:?}");
    fs::write(directory.path().join("charmcraft.yaml"), "name: from-charmcraft").expect("written");
    assert_eq!(Metadata::load(directory.path()).expect("found").name, "from-charmcraft");
    fs::write(directory.path().join("metadata.yaml"), "name: from-metadata").expect("written");
    assert_eq!(Metadata::load(directory.path()).expect("found").name, "from-metadata");
}

#[test]
fn a_file_that_cannot_be_read_is_not_passed_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("metadata.yaml");
    fs::write(directory.path().join("charmcraft.yaml"), "name: x").expect("written");
    let unreadable: [fn(&Path); 4] = [
        |path| fs::create_dir(path).expect("made"),
        |path| symlink("/dev/zero", path).expect("linked"),
        |path| mkfifoat(CWD, path, Mode::RUSR).expect("made"),
        |path| fs::write(path, vec![b'#'; 1024 * 1024 + 1]).expect("written"),
    ];
    let whys = ["it is not a regular file"; 3].into_iter().chain(["it is larger than 1048576 bytes"]);
    for (make, why) in unreadable.into_iter().zip(whys) {
        make(&path);
        let error = Metadata::load(directory.path()).expect_err(why);
        assert_eq!(error.to_string(), format!("cannot read {}", path.display()));
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some(why));
        fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).expect("removed");
    }
}
