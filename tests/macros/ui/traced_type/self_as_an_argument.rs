use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn append(&mut self, other: &mut Self);
    }
}

fn main() {}
