use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings {
        map: BTreeMap<String, String>,
    }

    impl Settings {
        fn len(&self) -> usize;
    }
}

fn main() {}
