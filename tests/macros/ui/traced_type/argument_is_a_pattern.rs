use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn extend(&mut self, (key, value): (String, String));
    }
}

fn main() {}
