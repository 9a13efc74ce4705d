use std::collections::BTreeMap;

charm_tracing::traced_type! {
    enum Settings {
        Map(BTreeMap<String, String>),
    }
}

fn main() {}
