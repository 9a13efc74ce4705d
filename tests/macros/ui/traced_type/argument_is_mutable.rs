use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn remove(&mut self, mut key: &str) -> Option<String>;
    }
}

fn main() {}
