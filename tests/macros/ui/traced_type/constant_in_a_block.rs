use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        const LEN: usize;
        fn len(&self) -> usize;
    }
}

fn main() {}
