//! A reader of YAML for a few keys of a file that another program wrote.
//!
//! # Invariants
//!
//! - Time and memory grow linearly with the length of the text. An alias is a reference to its anchor's node and is never
//!   copied. There is no recursion, so nesting needs no stack.
//! - A node refers only to nodes before it, so there are no cycles, and one pass over the nodes finds a key in all
//!   mappings.
//! - All valid YAML is read. If a mapping has a key several times, the last one counts, as in Juju and Python. Keys that
//!   are not text are left out.
//! - Merge keys count as in YAML 1.1: a mapping's own key comes before a merged one, and of several merged mappings the
//!   first one with the key counts. Juju 2.9 to 4.0 (yaml.v2) differs if an own key stands above the `<<`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

/// The first document of a YAML text. Later documents are ignored, as in Juju.
#[derive(Debug)]
pub(super) struct Document<'text> {
    nodes: Vec<Node<'text>>,
}

/// The place of a node in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

#[derive(Debug)]
enum Node<'text> {
    /// A text: quoted, tagged as text, or not readable as another type.
    Text(Cow<'text, str>),
    /// A number, a boolean or null, as written.
    Other(Cow<'text, str>),
    /// The merge key, `<<` without quotes.
    Merge,
    Sequence(Vec<NodeId>),
    /// The keys and values in turn.
    Mapping(Vec<NodeId>),
}

/// The values that the mappings of a document have for one key.
#[derive(Debug)]
pub(super) struct Values(Vec<Option<NodeId>>);

impl<'text> Document<'text> {
    /// Reads the first document to its end. Returns `None` for an empty text.
    pub(super) fn parse(text: &'text str) -> Result<Option<Self>, ScanError> {
        let mut nodes = Vec::new();
        // The open collections, from the outermost: their children, and their anchors.
        let mut open: Vec<(Vec<NodeId>, usize)> = Vec::new();
        let mut anchors = HashMap::new();
        for event in Parser::new_from_str(text) {
            let (node, anchor) = match event?.0 {
                Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                    open.push((Vec::new(), anchor));
                    continue;
                }
                Event::SequenceEnd => {
                    let (children, anchor) = open.pop().unwrap_or_default();
                    (Some(Node::Sequence(children)), anchor)
                }
                Event::MappingEnd => {
                    let (children, anchor) = open.pop().unwrap_or_default();
                    (Some(Node::Mapping(children)), anchor)
                }
                Event::Scalar(text, style, anchor, tag) => {
                    (Some(Node::scalar(text, style, tag.as_deref())), anchor)
                }
                Event::Alias(anchor) => (None, anchor),
                Event::DocumentEnd => break,
                _ => continue,
            };
            let id = match (node, anchors.get(&anchor)) {
                (None, Some(anchored)) => *anchored,
                (node, _) => {
                    // An alias to a collection that contains it becomes an empty node.
                    nodes.push(node.unwrap_or(Node::Other("".into())));
                    NodeId(nodes.len() - 1)
                }
            };
            // The parser counts anchors from 1.
            if anchor > 0 {
                anchors.insert(anchor, id);
            }
            if let Some((children, _)) = open.last_mut() {
                children.push(id);
            }
        }
        Ok((!nodes.is_empty()).then_some(Self { nodes }))
    }

    /// Returns the mapping at the top of the document; `None` if there is another node.
    pub(super) fn root(&self) -> Option<NodeId> {
        // The root ends last. It cannot be an alias, because an alias needs an anchor before it.
        let root = NodeId(self.nodes.len().checked_sub(1)?);
        self.is_mapping(root).then_some(root)
    }

    pub(super) fn is_mapping(&self, node: NodeId) -> bool {
        matches!(self.node(node), Node::Mapping(_))
    }

    /// Returns a scalar that is text; `None` for any other node.
    pub(super) fn text(&self, node: NodeId) -> Option<&str> {
        match self.node(node) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a whole number that is not negative, quoted or not; `None` for any other node. Follows the rules of Juju:
    /// `012` and `0o12` are octal, and `_` may stand between digits.
    pub(super) fn number(&self, node: NodeId) -> Option<u32> {
        number(self.scalar(node)?)
    }

    /// Returns true if it is a text or boolean that Juju reads as "yes".
    pub(super) fn is_true(&self, node: NodeId) -> bool {
        let words = ["1", "t", "T", "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
        self.scalar(node).is_some_and(|text| words.contains(&text))
    }

    /// Finds a key in all mappings, including merged ones.
    pub(super) fn values_of(&self, key: &str) -> Values {
        let mut values: Vec<Option<NodeId>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            values.push(match node {
                Node::Mapping(_) => {
                    let own = node.pairs().rev().find(|[name, _]| self.text(*name) == Some(key));
                    own.map(|[_, value]| *value).or_else(|| self.merged(node).find_map(|from| values[from.0]))
                }
                // This may be a list of mappings that is merged into another one.
                Node::Sequence(items) => items.iter().find_map(|item| values[item.0]),
                _ => None,
            });
        }
        Values(values)
    }

    /// Returns the values of a mapping by their keys, including merged ones.
    pub(super) fn entries(&self, mapping: NodeId) -> BTreeMap<&str, NodeId> {
        let mut entries = BTreeMap::new();
        let mut seen = vec![false; self.nodes.len()];
        let mut next = vec![mapping];
        while let Some(id) = next.pop() {
            if std::mem::replace(&mut seen[id.0], true) {
                continue;
            }
            let node = self.node(id);
            for [name, value] in node.pairs().rev() {
                if let Some(name) = self.text(*name) {
                    entries.entry(name).or_insert(*value);
                }
            }
            // The order is reversed, so that the first one is popped next.
            let first = next.len();
            next.extend(self.merged(node));
            if let Node::Sequence(items) = node {
                next.extend(items);
            }
            next[first..].reverse();
        }
        entries
    }

    /// Returns the nodes that are merged into a mapping, the most important first.
    fn merged(&self, mapping: &Node<'_>) -> impl Iterator<Item = NodeId> {
        let merges = mapping.pairs().rev().filter(|[name, _]| matches!(self.node(*name), Node::Merge));
        merges.map(|[_, from]| *from)
    }

    fn scalar(&self, node: NodeId) -> Option<&str> {
        match self.node(node) {
            Node::Text(text) | Node::Other(text) => Some(text),
            _ => None,
        }
    }

    fn node(&self, id: NodeId) -> &Node<'text> {
        &self.nodes[id.0]
    }
}

impl Values {
    pub(super) fn of(&self, mapping: NodeId) -> Option<NodeId> {
        self.0[mapping.0]
    }
}

impl<'text> Node<'text> {
    fn scalar(text: Cow<'text, str>, style: ScalarStyle, tag: Option<&Tag>) -> Self {
        let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix));
        let tag = tag.as_deref().map(|tag| tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(""));
        match tag {
            Some("merge") => Self::Merge,
            Some("null" | "bool" | "int" | "float") => Self::Other(text),
            None if style == ScalarStyle::Plain && text == "<<" => Self::Merge,
            None if style == ScalarStyle::Plain && !is_text(&text) => Self::Other(text),
            _ => Self::Text(text),
        }
    }

    /// Returns the keys and values of a mapping.
    fn pairs(&self) -> impl DoubleEndedIterator<Item = &[NodeId; 2]> {
        let children = if let Self::Mapping(children) = self { children.as_slice() } else { &[] };
        children.as_chunks().0.iter()
    }
}

/// Returns true if an unquoted scalar is text.
fn is_text(plain: &str) -> bool {
    let is_float = || plain.bytes().any(|byte| byte.is_ascii_digit()) && plain.parse::<f64>().is_ok();
    let words = ["", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE"];
    !words.contains(&plain) && number(plain).is_none() && !is_float()
}

fn number(text: &str) -> Option<u32> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let text = text.replace('_', "");
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text.as_str()),
    };
    // `from_str_radix` would accept a second sign.
    (!digits.starts_with('+')).then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const KEYS: [&str; 4] = ["a", "b", "c", "d"];

    /// A mapping: its keys and values, and the earlier mappings that are merged into it. The last two fields say in which
    /// order they are written, and whether the merged ones are in a list.
    #[derive(Clone, Debug)]
    struct Written {
        own: Vec<(&'static str, String)>,
        merged: Vec<usize>,
        merges_first: bool,
        listed: bool,
    }

    impl Written {
        fn to_yaml(&self, at: usize) -> String {
            let own = self.own.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>();
            let aliases = self.merged.iter().map(|from| format!("*m{from}")).collect::<Vec<_>>();
            let merges = match &*aliases {
                [] => vec![],
                aliases if self.listed => vec![format!("<<: [{}]", aliases.join(", "))],
                // The order is reversed, because the last one has precedence.
                aliases => aliases.iter().rev().map(|alias| format!("<<: {alias}")).collect(),
            };
            let pairs = if self.merges_first { [merges, own] } else { [own, merges] };
            format!("m{at}: &m{at} {{{}}}\n", pairs.concat().join(", "))
        }
    }

    /// Returns the content of a mapping by the rules of the specification. It shares nothing, so it takes exponential time.
    fn meaning(mappings: &[Written], at: usize) -> BTreeMap<&str, &str> {
        let Written { own, merged, .. } = &mappings[at];
        let mut meaning = BTreeMap::new();
        for from in merged.iter().rev() {
            meaning.extend(self::meaning(mappings, *from));
        }
        meaning.extend(own.iter().map(|(key, value)| (*key, value.as_str())));
        meaning
    }

    fn mappings() -> impl Strategy<Value = Vec<Written>> {
        let own = vec((0..KEYS.len(), "v[0-9]{1,2}"), 0..4);
        let mapping = (own, vec(any::<prop::sample::Index>(), 0..3), any::<bool>(), any::<bool>());
        vec(mapping, 1..8).prop_map(|mappings| {
            let mappings = mappings.into_iter().enumerate();
            let written = mappings.map(|(at, (own, merged, merges_first, listed))| Written {
                own: own.into_iter().map(|(key, value)| (KEYS[key], value)).collect(),
                merged: if at == 0 { vec![] } else { merged.iter().map(|from| from.index(at)).collect() },
                merges_first,
                listed,
            });
            written.collect()
        })
    }

    proptest! {
        #[test]
        fn merges_mean_what_the_specification_says(mappings in mappings()) {
            let text: String = mappings.iter().enumerate().map(|(at, written)| written.to_yaml(at)).collect();
            let document = Document::parse(&text).expect("YAML").expect("a document");
            let all = document.entries(document.root().expect("a mapping"));
            for at in 0..mappings.len() {
                let mapping = all[&*format!("m{at}")];
                let expected = meaning(&mappings, at);
                let entries = document.entries(mapping).into_iter();
                let entries: BTreeMap<_, _> =
                    entries.map(|(key, value)| (key, document.text(value).expect("text"))).collect();
                prop_assert_eq!(&entries, &expected, "m{} of\n{}", at, &text);
                for key in KEYS {
                    let value = document.values_of(key).of(mapping);
                    let value = value.map(|value| document.text(value).expect("text"));
                    prop_assert_eq!(value, expected.get(key).copied(), "{} of m{} of\n{}", key, at, &text);
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(
            tokens in vec(
                prop::sample::select(vec![
                    "a", "b: ", "- ", "? ", ": ", "[", "]", "{", "}", ", ", "\n", "\n  ", "\t", "&a ", "*a", "!t ", "!!int ",
                    "'", "\"", "|\n ", ">", "# ", "---\n", "...\n", "%TAG ! x\n", "<<: ", "<<", "\u{feff}", "\r\n", "\0",
                    "1", "~", "\\", "\u{e9}", "@",
                ]),
                0..40,
            ),
        ) {
            let text = tokens.concat();
            if let Ok(Some(document)) = Document::parse(&text)
                && let Some(root) = document.root()
            {
                let values = document.values_of("a");
                prop_assert_eq!(document.entries(root).get("a").copied(), values.of(root), "{:?}", &text);
            }
        }
    }
}
