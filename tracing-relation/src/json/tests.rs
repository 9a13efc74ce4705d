use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

const MILLION: usize = 1_000_000;

fn read<T: FromJson>(document: &str) -> Result<T, String> {
    Json::parse(document.as_bytes()).and_then(T::from_json).map_err(|error| error.to_string())
}

/// What another reader makes of the value's parts. Only for documents of little depth.
fn by_parts(json: Json<'_>) -> Value {
    match json.text[0] {
        b'[' => json.items().expect("a list").into_iter().map(by_parts).collect(),
        b'{' => {
            let fields = json.fields().expect("an object").into_iter();
            fields.map(|(name, value)| (name.into_owned(), by_parts(value))).collect()
        }
        b'"' => json.text().expect("a text").into(),
        b'n' => Option::<bool>::from_json(json).expect("null").into(),
        b't' | b'f' => bool::from_json(json).expect("a truth value").into(),
        _ => serde_json::from_slice(json.text).expect("a number"),
    }
}

fn accepts(document: &[u8]) -> bool {
    Json::parse(document).is_ok()
}

/// Whether the document has the form of JSON, whatever its texts and numbers mean.
fn is_json(document: &[u8]) -> bool {
    serde_json::from_str::<&RawValue>(&String::from_utf8_lossy(document)).is_ok()
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(6, 64, 8, |value| {
        prop_oneof![
            vec(value.clone(), 0..8).prop_map(Value::from),
            btree_map(any::<String>(), value, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Pieces that are often JSON when they come together, and often just not.
fn any_pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = concat!(
        r#"[ ] { } , : {"a": [1, null true false nul truefalse 0 - 1 01 1. .5 -0.5e+7 1e 1e999 E + // "#,
        r#"" "a" "\ud83d\ude00" "\ud800" "\ud800\u0041" "\udc00" "\u00zz" "\x" \"#
    );
    let pieces = words.split(' ').map(str::as_bytes);
    let other: [&[u8]; 6] = [b" ", b"\n", b"\x01", b"\xff", "\u{e9}".as_bytes(), "\u{feff}".as_bytes()];
    let pieces: Vec<&[u8]> = pieces.chain(other).collect();
    vec(prop::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

fn check_any(document: &[u8]) -> Result<(), TestCaseError> {
    prop_assert_eq!(accepts(document), is_json(document));
    // What is JSON in form and still refused there is only what is allowed here: big numbers, texts that are not
    // Unicode, any depth.
    if let Ok(value) = serde_json::from_slice::<Value>(document) {
        let json = Json::parse(document).expect("just accepted");
        prop_assert_eq!(by_parts(json), value);
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(value in any_value(), pretty: bool) {
        let document = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        let document = document.expect("written");
        let read: Value = serde_json::from_slice(&document).expect("read");
        prop_assert_eq!(by_parts(Json::parse(&document).expect("JSON")), read);
    }

    #[test]
    fn all_json_is_accepted_and_nothing_else(bytes: Vec<u8>, text: String, pieces in any_pieces()) {
        check_any(&bytes)?;
        check_any(text.as_bytes())?;
        check_any(&pieces)?;
    }

    #[test]
    fn a_damaged_document_is_accepted_only_if_it_is_still_json(
        value in any_value(),
        at: prop::sample::Index,
        instead: Option<u8>,
    ) {
        let mut document = serde_json::to_vec(&value).expect("written");
        let at = at.index(document.len());
        match instead {
            Some(byte) => document[at] = byte,
            None => document.truncate(at),
        }
        check_any(&document)?;
    }
}

#[test]
fn what_the_hook_tools_print_is_read() {
    assert_eq!(read(" true\n"), Ok(true));
    assert_eq!(read("\"t\\u00e9\\ud83d\\ude00\\n\""), Ok("t\u{e9}\u{1f600}\n".to_owned()));
    assert_eq!(read("[\"a:1\", \"a:2\"]"), Ok(vec!["a:1".to_owned(), "a:2".to_owned()]));
    assert_eq!(read("null"), Ok(None::<Vec<String>>));
    assert_eq!(read("[]"), Ok(Some(Vec::<bool>::new())));
    let databag =
        BTreeMap::from([("a", "b"), ("c", "")].map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(read("{\"a\": \"b\", \"c\": \"\"}"), Ok(databag));
}

#[test]
fn of_equal_names_the_last_counts() {
    let read = read::<BTreeMap<String, bool>>(r#"{"a": "x", "b": true, "\u0061": true}"#).expect("readable");
    assert_eq!(read, BTreeMap::from([("a".to_owned(), true), ("b".to_owned(), true)]));
}

#[test]
fn what_is_odd_spoils_only_itself() {
    for odd in
        ["\"\\ud800\"".as_bytes(), b"\"\\udc00x\"", b"\"\xff\"", b"1e999", b"-0.00e-99999999999999999999"]
    {
        let list = [b"[", odd, b", \"good\"]"].concat();
        let list = Json::parse(&list).and_then(Json::items).expect("a list");
        assert_eq!(list[1].text().as_deref(), Ok("good"));
        list[0].text().expect_err("odd");
        let object = [b"{\"odd\": ", odd, b", \"a\": \"good\"}"].concat();
        let object = Json::parse(&object).and_then(Json::fields).expect("an object");
        assert_eq!(object["a"].text().as_deref(), Ok("good"));
    }
    let object = read::<BTreeMap<String, bool>>(r#"{"\ud800": 3, "a": true}"#).expect("readable");
    assert_eq!(object, BTreeMap::from([("a".to_owned(), true)]));
}

#[test]
fn no_nesting_is_too_deep() {
    for (open, inmost, close) in [("[", "", "]"), ("{\"a\":", "1", "}"), ("[{\"a\":", "{}", "}]")] {
        let unclosed = open.repeat(MILLION);
        let error = Json::parse(unclosed.as_bytes()).expect_err("no end");
        assert_eq!(error.at, unclosed.len());
        let closed = format!("{unclosed}{inmost}{}", close.repeat(MILLION));
        let json = Json::parse(closed.as_bytes()).expect("JSON");
        assert_eq!(json.text.len(), closed.len());
        json.text().expect_err("not a text");
        assert!(!accepts(format!("{closed}]").as_bytes()));
    }
}

#[test]
fn errors_say_what_was_expected_and_where() {
    let refused = [
        ("", "a value at byte 0"),
        (" nul", "a value at byte 1"),
        ("[1, ]", "a value at byte 4"),
        ("[", "a value at byte 1"),
        ("[1 2]", "a comma or the end of the list or object at byte 3"),
        ("{1: 2}", "the name of a field at byte 1"),
        ("{\"a\" 2}", "a colon at byte 5"),
        ("[] []", "the end of the document at byte 3"),
        ("[1.]", "a digit at byte 3"),
        ("\"a\\x\"", "an escape sequence at byte 3"),
        ("\"a\nb\"", "text without control characters at byte 2"),
        ("\"a", "the end of a text at byte 2"),
        // JSON, but not what is needed.
        (" {}", "a list at byte 1"),
        ("[true, \"a\", 3]", "a text at byte 1"),
        ("[\"a\", \"\\ud800\"]", "text that is Unicode at byte 13"),
    ];
    for (document, message) in refused {
        let error = read::<Vec<String>>(document).expect_err(document);
        assert_eq!(error, format!("expected {message}"), "{document}");
    }
    assert_eq!(read::<bool>("1").expect_err("a number"), "expected `true` or `false` at byte 0");
    let error = read::<BTreeMap<String, String>>("{\"a\": []}").expect_err("a list");
    assert_eq!(error, "expected a text at byte 6");
    assert_eq!(read::<BTreeMap<String, String>>("[]").expect_err("a list"), "expected an object at byte 0");
}
