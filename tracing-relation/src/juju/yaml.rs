//! A reader of YAML for a few keys of a file that another program wrote.
//!
//! # Invariants
//!
//! - Time and memory grow linearly with the length of the text. An alias is a reference to its anchor's node and is never
//!   copied; only merge keys copy entries, at most [`MOST_MERGED`]. There is no recursion, so nesting needs no stack.
//! - All valid YAML is read. If a mapping has a key several times, the last one counts, as in Juju and Python. Scalars
//!   are texts, whatever their type, and keys that are no scalars are left out.
//! - Merge keys count as in YAML 1.1: a mapping's own key comes before a merged one, and of several merged mappings the
//!   first one with the key counts. Juju 2.9 to 4.0 (yaml.v2) differs if an own key stands above the `<<`.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::rc::Rc;
use std::slice;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// The limit of the entries that merge keys copy. A charm has some tens, but a chain of merges can have any number.
const MOST_MERGED: usize = 200_000;

/// The first document of a YAML text. Later documents are ignored, as in Juju.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Each node is after the nodes that it contains, so the last one is the root.
    nodes: Vec<Node>,
    /// The number of entries that merge keys have copied.
    merged: usize,
}

/// A node of a document, with the document in which its children are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'doc> {
    document: &'doc Document,
    node: &'doc Node,
}

/// The children of a node are given by their places in the document.
#[derive(Debug)]
enum Node {
    Scalar(Rc<str>),
    /// The merge key, `<<` without quotes.
    Merge,
    Sequence(Vec<usize>),
    /// The entries of a mapping, including merged ones.
    Mapping(BTreeMap<Rc<str>, usize>),
}

impl Document {
    /// Reads the first document to its end.
    pub(super) fn parse(text: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut document = Self::default();
        // The open collections, from the outermost: their children, and their anchors.
        let mut open: Vec<(Vec<usize>, usize)> = Vec::new();
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
                    (Some(Node::Mapping(document.entries(&children)?)), anchor)
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let is_merge = match tag {
                        Some(tag) => tag.suffix == "merge",
                        None => style == ScalarStyle::Plain && text == "<<",
                    };
                    let node = if is_merge { Node::Merge } else { Node::Scalar(text.as_ref().into()) };
                    (Some(node), anchor)
                }
                Event::Alias(anchor) => (None, anchor),
                Event::DocumentEnd => break,
                _ => continue,
            };
            let id = match (node, anchors.get(&anchor)) {
                (None, Some(anchored)) => *anchored,
                (node, _) => {
                    // An alias to a collection that contains it becomes an empty node.
                    document.nodes.push(node.unwrap_or(Node::Scalar("".into())));
                    document.nodes.len() - 1
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
        Ok(document)
    }

    /// Returns the mapping at the top of the document; `None` if there is another node, or none.
    pub(super) fn root(&self) -> Option<Value<'_>> {
        // The root cannot be an alias, because an alias needs an anchor before it.
        let node = self.nodes.last().filter(|node| matches!(node, Node::Mapping(_)))?;
        Some(Value { document: self, node })
    }

    /// Returns the entries of a mapping whose keys and values, in turn, are `children`.
    fn entries(&mut self, children: &[usize]) -> Result<BTreeMap<Rc<str>, usize>, String> {
        let (mut entries, mut merged) = (BTreeMap::new(), Vec::new());
        for pair in children.chunks_exact(2) {
            let [name, value] = pair else { continue };
            match &self.nodes[*name] {
                Node::Scalar(name) => _ = entries.insert(Rc::clone(name), *value),
                Node::Merge => merged.push(value),
                _ => {}
            }
        }
        for from in merged.into_iter().rev() {
            let mappings = match &self.nodes[*from] {
                Node::Sequence(items) => items,
                _ => slice::from_ref(from),
            };
            for mapping in mappings {
                let Node::Mapping(more) = &self.nodes[*mapping] else { continue };
                self.merged += more.len();
                if self.merged > MOST_MERGED {
                    return Err(format!("its merge keys stand for more than {MOST_MERGED} entries"));
                }
                for (name, value) in more {
                    entries.entry(Rc::clone(name)).or_insert(*value);
                }
            }
        }
        Ok(entries)
    }
}

impl<'doc> Value<'doc> {
    /// Returns the value of a key; `None` if this is not a mapping with this key.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        let Node::Mapping(entries) = self.node else { return None };
        entries.get(key).map(|value| self.child(*value))
    }

    /// Returns the keys and values of a mapping; none for any other node.
    pub(super) fn entries(self) -> impl Iterator<Item = (&'doc str, Self)> {
        let entries = if let Node::Mapping(entries) = self.node { Some(entries) } else { None };
        entries.into_iter().flatten().map(move |(name, value)| (&**name, self.child(*value)))
    }

    /// Returns a scalar; `None` for any other node.
    pub(super) fn text(self) -> Option<&'doc str> {
        if let Node::Scalar(text) = self.node { Some(text) } else { None }
    }

    fn child(self, id: usize) -> Self {
        Self { node: &self.document.nodes[id], ..self }
    }
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
            let document = Document::parse(&text).expect("YAML");
            let root = document.root().expect("a mapping");
            for at in 0..mappings.len() {
                let mapping = root.get(&format!("m{at}")).expect("it is written");
                let expected = meaning(&mappings, at);
                let entries: BTreeMap<_, _> =
                    mapping.entries().map(|(key, value)| (key, value.text().expect("text"))).collect();
                prop_assert_eq!(&entries, &expected, "m{} of\n{}", at, &text);
                for key in KEYS {
                    let value = mapping.get(key).map(|value| value.text().expect("text"));
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
            if let Ok(document) = Document::parse(&text)
                && let Some(root) = document.root()
            {
                let entry = root.entries().find(|(key, _)| *key == "a");
                prop_assert_eq!(entry.map(|(_, a)| a.text()), root.get("a").map(Value::text), "{:?}", &text);
            }
        }
    }
}
