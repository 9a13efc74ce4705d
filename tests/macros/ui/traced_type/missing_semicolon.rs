use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn clear(&mut self)
        fn len(&self) -> usize;
    }
}

fn main() {}
