use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>, u8);

    impl Settings {
        fn len(&self) -> usize;
    }
}

fn main() {}
