//! Blocks of `charmcraft.yaml`: they are YAML, and declare endpoints as the crates expect them.

use saphyr::{LoadableYamlNode as _, Yaml};

use crate::block::blocks;

/// The interfaces that the crates know: on which side the charm is, and the limit that it must declare.
const INTERFACES: [(&str, &str, Option<i64>); 3] = [
    ("requires", "tracing", Some(1)),
    ("provides", "cos_agent", Some(1)),
    ("requires", "certificate_transfer", None),
];

#[test]
fn endpoints_of_a_page_are_such_as_the_crates_expect() {
    let mut seen = 0;
    for block in blocks().filter(|block| block.kind == "yaml") {
        let documents = Yaml::load_from_str(&block.text).unwrap_or_else(|error| panic!("{block}: {error}"));
        let [document] = &*documents else { panic!("{block} is not one document") };
        let sections = document.as_mapping().expect("a mapping").iter();
        // charmcraft itself reads the other sections.
        let sides = sections
            .filter(|(key, _)| key.as_str().is_some_and(|key| key == "requires" || key == "provides"));
        for (side, endpoints) in sides {
            for (name, endpoint) in endpoints.as_mapping().expect("a mapping") {
                seen += 1;
                let interface = &endpoint["interface"];
                let limit = endpoint.as_mapping_get("limit").and_then(Yaml::as_integer);
                let declared = (side.as_str().expect("a text"), interface.as_str().expect("a text"), limit);
                assert!(INTERFACES.contains(&declared), "{block}: {name:?} is {declared:?}");
            }
        }
    }
    assert!(seen > 3, "the check reads the pages: {seen} endpoints");
}
