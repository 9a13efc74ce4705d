use std::collections::BTreeMap;

/// A secret of the model, from the unit's view.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    /// The label that its owner gave it; `Some` only if the owner is the unit's application. Only such a secret can be
    /// described.
    pub own_label: Option<String>,
    /// The label that the unit gave it when it read it.
    pub label: Option<String>,
    /// The content of each revision, oldest first.
    pub revisions: Vec<BTreeMap<String, String>>,
    /// The index of the revision that the unit has read.
    pub tracked: Option<usize>,
    pub granted: bool,
}

impl Secret {
    pub(super) fn new(own_label: Option<&str>, content: &[(&str, &str)]) -> Self {
        Self {
            own_label: own_label.map(str::to_owned),
            label: None,
            revisions: vec![of_pairs(content)],
            tracked: None,
            granted: true,
        }
    }

    pub(super) fn has_label(&self, label: &str) -> bool {
        self.label.as_deref() == Some(label) || self.own_label.as_deref() == Some(label)
    }
}

pub(super) fn of_pairs(content: &[(&str, &str)]) -> BTreeMap<String, String> {
    content.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Returns the id in a URI of the form `secret:<id>` or `secret://<model>/<id>`, or a plain id; `None` for other texts.
pub(super) fn id_in(uri: &str) -> Option<&str> {
    let id = uri.strip_prefix("secret:").unwrap_or(uri);
    let id = id.strip_prefix("//").and_then(|path| path.split_once('/')).map_or(id, |(_, id)| id);
    (id.len() == 20 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v'))).then_some(id)
}
