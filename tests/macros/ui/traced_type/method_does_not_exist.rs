use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn inzert(&mut self, key: String, value: String) -> Option<String>;
    }
}

fn main() {}
