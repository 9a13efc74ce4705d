use std::fs;
use std::os::unix::fs::symlink;
use std::thread;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

fn parse(text: &str) -> Result<Metadata, MetadataError> {
    Metadata::parse(text.as_bytes(), Path::new("metadata.yaml"))
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
        parse("requires:\n  a: [3]\n  b: {limit: 1}\n  c: {interface: x, limit: many}\nprovides: []\n");
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
    assert!(none.to_string().starts_with("cannot find metadata.yaml or charmcraft.yaml in /"), "{none}");
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

fn endpoint(interface: &str, limit: Option<u32>, optional: bool) -> Endpoint {
    Endpoint { interface: interface.to_owned(), limit, optional }
}

/// The only endpoint that is required, called `e`.
fn required(text: &str) -> Endpoint {
    let metadata = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}: {:?}", error.source()));
    assert_eq!(metadata.requires.keys().collect::<Vec<_>>(), ["e"], "{text:?}");
    metadata.requires["e"].clone()
}

#[test]
fn merge_keys_count_wherever_a_mapping_is() {
    let limited = endpoint("tracing", Some(1), true);
    for text in [
        "x: &a {interface: tracing, limit: 1, optional: true}\nrequires:\n  e:\n    <<: *a\n",
        "x: &a {interface: tracing, limit: 1, optional: true}\nrequires: {e: *a}\n",
        "x: &a {interface: tracing, limit: 2}\nrequires: {e: {<<: *a, limit: 1, optional: true}}\n",
        "x: &a {interface: tracing, limit: 2}\nrequires: {e: {limit: 1, optional: true, <<: *a}}\n",
        "x: &a {e: {interface: tracing, limit: 1, optional: true}}\nrequires:\n  <<: *a\n",
        "x: &a {requires: {e: {interface: tracing, limit: 1, optional: true}}}\n<<: *a\n",
        "<<: {requires: {<<: {e: {<<: {interface: tracing}, <<: {limit: 1, optional: true}}}}}\n",
        "x: [&a {interface: tracing}, &b {limit: 1, interface: b}, &c {limit: 2, optional: true}]\n\
         requires: {e: {<<: [*a, *b, *c]}}\n",
        "x: &all [{interface: tracing}, {limit: 1, optional: true}]\nrequires: {e: {<<: *all}}\n",
        "x: &a {interface: tracing, limit: 2}\ny: &b {<<: *a, limit: 1}\n\
         requires: {e: {<<: *b, optional: true}}\n",
        "x: &a {interface: a}\ny: &a {interface: tracing, limit: 1, optional: true}\nrequires: {e: *a}\n",
        "x: &i tracing\ny: &k interface\nrequires: {e: {*k : *i, limit: 1, optional: true}}\n",
        "x: &a {interface: tracing, limit: 1, optional: true}\nrequires: {e: {!!merge <<: *a}}\n",
    ] {
        assert_eq!(required(text), limited, "{text:?}");
    }
}

#[test]
fn what_only_looks_like_a_merge_is_none() {
    for text in [
        "x: &a {interface: merged}\nrequires: {e: {\"<<\": *a, interface: own}}\n",
        "x: &a {interface: merged}\nrequires: {e: own, f: {'<<': *a}}\n",
        "x: &a {interface: merged}\nrequires: {e: own, f: {!!str <<: *a}}\n",
        "requires: {e: {<<: [text, [], ~, 3], <<: text, interface: own}}\n",
        "requires: &r {e: own, <<: *r}\n",
        "x: &a {interface: merged}\nrequires: {e: {<<: *a, interface: own}, f: {<<: *a, interface: []}}\n",
    ] {
        assert_eq!(required(text), endpoint("own", None, false), "{text:?}");
    }
    assert_eq!(required("requires: {e: own, <<: {e: merged, e: merged}}"), endpoint("own", None, false));
}

#[test]
fn limits_and_flags_are_read_as_juju_reads_them() {
    for (limit, expected) in [
        ("1", Some(1)),
        ("\"1\"", Some(1)),
        ("!!int '1'", Some(1)),
        ("!!str 1", Some(1)),
        ("+1", Some(1)),
        ("4294967295", Some(u32::MAX)),
        ("4294967296", None),
        ("-1", None),
        ("1.0", None),
        ("many", None),
        ("", None),
        ("~", None),
        ("[1]", None),
        ("{a: 1}", None),
    ] {
        let text = format!("requires: {{e: {{interface: i, limit: {limit}}}}}");
        assert_eq!(required(&text).limit, expected, "{text}");
    }
    for (optional, expected) in [
        ("true", true),
        ("\"true\"", true),
        ("yes", true),
        ("On", true),
        ("no", false),
        ("", false),
        ("[true]", false),
    ] {
        let text = format!("requires: {{e: {{interface: i, optional: {optional}}}}}");
        assert_eq!(required(&text).optional, expected, "{text}");
    }
}

#[test]
fn whatever_is_valid_yaml_is_read() {
    let e = "requires: {e: i}\n";
    for text in [
        format!("\u{feff}{e}"),
        format!("---\n{e}...\n"),
        format!("%YAML 1.1\n--- # comment\n{e}---\nrequires: {{f: i}}\n"),
        format!("{e}--- not: a: valid: document\n"),
        e.replace('\n', "\r\n") + "x:\r\n- y\r\n",
        e.replace('\n', "\r") + "x: y\r",
        format!("{e}x: |\n  text: {{\n\n   - more\ny: >-\n  folded\n  text\nz: a plain\n  text\n"),
        format!("{e}? [a, b]\n: c\n? {{d: e}}\n? |\n  block\n: f\n"),
        format!("{e}1: a\n~: b\ntrue: c\n1.5: d\n: e\n"),
        format!("{e}x: !custom {{a: !other b}}\ny: !!set {{a, b}}\nz: !!binary aGk=\n"),
        format!("{e}x: &x [*x]\ny: &y {{<<: *y, z: *y}}\n"),
        format!("x: y\nx: z\nrequires: {{f: g}}\n{e}"),
        "requires: !custom {e: !other i}\n".to_owned(),
        "requires:\n  ? e\n  : interface: i\n".to_owned(),
        "requires: {[a]: i, {b: c}: i, e: i, h: [], i: {}, j: {interface: []}}\n".to_owned(),
        "requires: {e: {interface: a, interface: i}}\n".to_owned(),
        "\"requires\":\n  'e': \"\\x69\"\n".to_owned(),
        "requires: {!!str e: !!str i}\n".to_owned(),
        "requires: {e: !<tag:yaml.org,2002:str> i}\n".to_owned(),
    ] {
        assert_eq!(required(&text), endpoint("i", None, false), "{text:?}");
    }
    assert_eq!(parse("name: !!str 3").expect("valid").name, "3");
}

/// Each of `count` mappings refers to the one before.
fn chain(count: usize, link: impl Fn(String) -> String) -> String {
    let links = (1..count).map(|at| format!("x{at}: &a{at} {}\n", link(format!("*a{}", at - 1))));
    "x0: &a0 {interface: i}\n".to_owned() + &links.collect::<String>()
}

#[test]
fn nothing_expands_exponentially() {
    let laughs = [
        chain(20_000, |before| format!("[{before}, {before}]")),
        chain(20_000, |before| format!("{{k: {before}, l: {before}}}")),
        chain(20_000, |before| format!("{{<<: [{before}, {before}]}}")),
        chain(20_000, |before| format!("{{<<: {before}, <<: {before}}}")),
    ];
    for (text, merged) in laughs.into_iter().zip([false, false, true, true]) {
        let metadata = parse(&(text + "requires: {e: *a19999}\n<<: *a19999\n")).expect("valid");
        assert_eq!(metadata.requires.contains_key("e"), merged);
    }
    let text = chain(17_000, |before| format!("{{<<: {before}}}")) + "requires:\n";
    let endpoints = (0..20_000).map(|at| format!(" e{at}: {{<<: *a16999}}\n"));
    assert_eq!(parse(&(text + &endpoints.collect::<String>())).expect("valid").requires.len(), 20_000);
}

#[test]
fn aliases_of_long_texts_are_not_copied_without_limit() {
    let head = format!("x: &a {}\nrequires: {{", "i".repeat(500_000));
    let [few, many] = [8, 9].map(|count| {
        let endpoints = (0..count).map(|at| format!("e{at}: *a, "));
        parse(&format!("{head}{}}}\nprovides: {{f: j}}", endpoints.collect::<String>()))
    });
    assert_eq!(few.expect("less than 4 MiB").requires.len(), 8);
    let error = many.expect_err("more than 4 MiB");
    let source = error.source().map(ToString::to_string);
    assert_eq!(source.as_deref(), Some("its aliases stand for more than 4194304 bytes"));
}

#[test]
fn deep_nesting_takes_no_stack() {
    let blocks = (0..1400).map(|depth| " ".repeat(depth) + "<<:\n").collect::<String>();
    let small = thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        for unit in ["[", "{", "- ", "? ", ": ", "{b: [", "? - "] {
            for head in ["", "a: "] {
                drop(parse(&(head.to_owned() + &unit.repeat(20_000))));
            }
        }
        parse(&blocks).expect("merges in merges");
    });
    small.expect("it starts").join().expect("neither overflows the stack nor panics");
}

#[test]
fn merges_that_stand_for_too_many_entries_are_refused() {
    let links = (1..1000).map(|at| format!("x{at}: &a{at} {{<<: *a{}, k{at}: v}}\n", at - 1));
    let text = "x0: &a0 {interface: i}\n".to_owned() + &links.collect::<String>();
    let error = parse(&text).expect_err("each mapping has one entry more than the one before");
    let source = error.source().map(ToString::to_string);
    assert_eq!(source.as_deref(), Some("its merge keys stand for more than 200000 entries"));
}
