//! The part of a call that all hook tools have in common: the call itself, and the `key=value` pairs of its command line.

use std::collections::HashSet;

use saphyr::{LoadableYamlNode, Yaml};

use super::context::HookContext;
use super::result::ToolResult;
use super::state::State;

/// One call of a tool, with the state and the hook that it runs in.
pub(super) struct Call<'a> {
    pub state: &'a mut State,
    pub context: &'a HookContext,
    pub args: &'a [String],
    pub stdin: &'a [u8],
    /// The text for standard error of a tool that succeeds.
    pub warnings: String,
}

/// Returns the pairs of a YAML map from `--file`, followed by the pairs of `key=value` arguments.
pub(super) fn pairs(
    file: Option<&str>,
    stdin: &[u8],
    words: &[String],
) -> Result<Vec<(String, String)>, ToolResult> {
    let mut pairs = match file {
        None => Vec::new(),
        Some("-") => yaml_map(stdin)?,
        Some(path) => match std::fs::read(path) {
            Ok(content) => yaml_map(&content)?,
            Err(error) => return Err(ToolResult::failed(&format!("{path}: {error}"))),
        },
    };
    let mut named = HashSet::new();
    for word in words {
        match word.split_once('=') {
            Some((key, _)) if !key.is_empty() && !named.insert(key) => {
                return Err(ToolResult::usage(&format!("key {key:?} specified more than once")));
            }
            Some((key, value)) if !key.is_empty() => pairs.push((key.to_owned(), value.to_owned())),
            _ => return Err(ToolResult::usage(&format!("expected \"key=value\", got {word:?}"))),
        }
    }
    Ok(pairs)
}

/// Reads a YAML map of text to text. Unlike Juju, it refuses unquoted numbers, because the YAML reader does not keep their
/// form.
fn yaml_map(content: &[u8]) -> Result<Vec<(String, String)>, ToolResult> {
    let refuse = || ToolResult::failed("cannot unmarshal the file into a map of strings");
    let text = std::str::from_utf8(content).map_err(|_| refuse())?;
    let documents = Yaml::load_from_str(text).map_err(|_| refuse())?;
    match documents.first() {
        None => Ok(Vec::new()),
        Some(document) if document.is_null() => Ok(Vec::new()),
        Some(document) => document
            .as_mapping()
            .ok_or_else(refuse)?
            .iter()
            .map(|(key, value)| Some((key.as_str()?.to_owned(), value.as_str()?.to_owned())))
            .map(|pair| pair.ok_or_else(refuse))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_yaml_maps_of_text() {
        let pairs =
            pairs(Some("-"), b"{\"a\": \"[1, 2]\", \"e\": \"\\u00e9\\n\"}", &[]).expect("JSON is YAML");
        assert_eq!(pairs, [("a".to_owned(), "[1, 2]".to_owned()), ("e".to_owned(), "\u{e9}\n".to_owned())]);
        let pairs = super::pairs(Some("-"), b"port: '0080'\nname: x\n", &[]).expect("block YAML");
        assert_eq!(pairs[0].1, "0080", "nothing is interpreted");
        assert_eq!(super::pairs(Some("-"), b"", &[]), Ok(Vec::new()));
    }

    #[test]
    fn words_come_after_the_file_and_may_contain_equals_signs() {
        let pairs = pairs(Some("-"), b"{a: b}", &["a=c=d".to_owned()]).expect("valid");
        assert_eq!(pairs.last(), Some(&("a".to_owned(), "c=d".to_owned())));
    }

    #[test]
    fn anything_but_a_map_of_text_is_refused() {
        for content in [&b"[a]"[..], b"{a: [b]}", b"{a: ", b"\xff"] {
            assert_eq!(pairs(Some("-"), content, &[]).map_err(|r| r.code), Err(1), "{content:?}");
        }
        assert_eq!(pairs(None, b"", &["novalue".to_owned()]).map_err(|r| r.code), Err(2));
    }
}
