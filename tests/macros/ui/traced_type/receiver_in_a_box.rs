use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn into_keys(self: Box<Self>) -> Vec<String>;
    }
}

fn main() {}
