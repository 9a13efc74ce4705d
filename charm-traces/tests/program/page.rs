use std::fmt::Write as _;
use std::fs;

use serde_json::Value as Json;

use crate::fixture::{CharmDir, failing, request, run, span};

fn page(charm: &CharmDir) -> String {
    let file = charm.path().join("page.html");
    let ran = run(["show".as_ref(), charm.path(), "--html".as_ref(), &file]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    fs::read_to_string(file).expect("a page")
}

fn data(page: &str) -> Json {
    let (_, data) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("data");
    serde_json::from_str(data.split_once("</script>").expect("an end").0).expect("JSON")
}

#[test]
fn the_page_is_one_file_that_loads_nothing() {
    let page = page(&CharmDir::with_two_traces());
    for outside in ["http:", "https:", " src=", "url(", "@import", "{{", "}}<"] {
        let found =
            page.find(outside).map(|at| page[at.saturating_sub(40)..].chars().take(100).collect::<String>());
        assert_eq!(found, None, "{outside}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("connect-src 'none'"));
}

#[test]
fn the_page_has_the_traces_with_their_spans_in_the_order_of_the_tree() {
    let data = data(&page(&CharmDir::with_two_traces()));
    let table =
        |number: &Json| data["table"][usize::try_from(number.as_u64().expect("a number")).unwrap()].clone();
    let trace = &data["traces"][0];
    assert_eq!(
        (&trace["unit"], &trace["event"], &trace["failed"]),
        (&"app/0".into(), &"config_changed".into(), &1.into())
    );
    let spans: Vec<_> = trace["spans"]
        .as_array()
        .expect("spans")
        .iter()
        .map(|span| (table(&span[0]), span[1].clone()))
        .collect();
    let expected = [
        ("app/0: config-changed event", 0),
        ("method call: MyCharm.new", 1),
        ("event: config_changed", 1),
        ("method call: MyCharm.on_config_changed", 2),
        ("relation-get", 3),
    ];
    assert_eq!(spans, expected.map(|(name, depth)| (name.into(), depth.into())));
    let failed = &trace["spans"][3];
    assert_eq!(
        (&failed[7], table(&failed[9])),
        (&2.into(), "cannot reach <the database>\nconnection refused".into())
    );
}

#[test]
fn nothing_in_a_trace_ends_the_script_that_it_is_in() {
    let charm = CharmDir::new();
    let hostile = "</script><script>alert(1)</script><!-- <script> {{data}}";
    charm.store(0, &request(&[failing(hostile, span(0x11, 1, 0, hostile, 0, 1))]));
    let page = page(&charm);
    assert!(!page.contains("alert(1)</script>"));
    assert_eq!(data(&page)["traces"][0]["event"], hostile);
}

#[test]
fn traces_with_one_id_have_keys_of_their_own() {
    let charm = CharmDir::new();
    charm.store(0, &request(&[span(0x11, 1, 0, "a", 0, 1)]));
    charm.store(1, &request(&[span(0x11, 2, 0, "b", 2, 3)]));
    let data = data(&page(&charm));
    let id = "11111111111111111111111111111111";
    assert_eq!(
        (&data["traces"][0]["key"], &data["traces"][1]["key"]),
        (&id.into(), &format!("{id}.2").into())
    );
}

#[test]
fn ten_thousand_spans_are_at_most_three_megabytes() {
    let charm = CharmDir::new();
    let spans = (0..10_000_u64).map(|at| {
        let mut span = span(0x11, 1, 0, &format!("method call: Workload.step_{}", at % 50), at, at + 2);
        span.span_id = (at + 1).to_be_bytes().to_vec();
        if at > 0 {
            span.parent_span_id = (at / 4 + 1).to_be_bytes().to_vec();
        }
        let mut text = String::new();
        _ = write!(text, "src/workload-{at}.rs");
        span.attributes.push(crate::fixture::attribute("code.file.path", &text));
        span
    });
    charm.store(0, &request(&spans.collect::<Vec<_>>()));
    let page = page(&charm);
    assert!(page.len() <= 3 << 20, "{} bytes", page.len());
    assert_eq!(data(&page)["traces"][0]["spans"].as_array().map(Vec::len), Some(10_000));
}
