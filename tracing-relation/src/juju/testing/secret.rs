use std::collections::{BTreeMap, BTreeSet};

/// A secret of the model, from the unit's view.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    /// The part that only an owner knows: `Some` if the unit or its application owns the secret.
    pub owned: Option<Owned>,
    /// The label that the unit gave it when it read it.
    pub label: Option<String>,
    /// The content of each revision, oldest first; `None` for a revision that its owner has removed.
    pub revisions: Vec<Option<Content>>,
    /// The index of the revision that the unit has read.
    pub tracked: Option<usize>,
    pub granted: bool,
}

pub(super) type Content = BTreeMap<String, String>;

/// The owner's description of a secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Owned {
    /// True if the unit owns it, false if the application does.
    pub by_unit: bool,
    /// The label that its owner gave it; empty if there is none.
    pub label: String,
    pub description: Option<String>,
    pub rotation: Option<String>,
    /// The ids of the relations over which it is granted.
    pub granted_over: BTreeSet<u32>,
}

impl Secret {
    pub(super) fn new(owned: Option<Owned>, content: Content) -> Self {
        Self { owned, label: None, revisions: vec![Some(content)], tracked: None, granted: true }
    }

    pub(super) fn has_label(&self, label: &str) -> bool {
        let owned = self.owned.as_ref().map(|owned| owned.label.as_str());
        self.label.as_deref() == Some(label) || owned == Some(label)
    }
}

pub(super) fn of_pairs(content: &[(&str, &str)]) -> Content {
    content.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Returns the id in a URI of the form `secret:<id>` or `secret://<model>/<id>`, or a plain id; `None` for other texts.
pub(super) fn id_in(uri: &str) -> Option<&str> {
    let id = uri.strip_prefix("secret:").unwrap_or(uri);
    let id = id.strip_prefix("//").and_then(|path| path.split_once('/')).map_or(id, |(_, id)| id);
    (id.len() == 20 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v'))).then_some(id)
}
