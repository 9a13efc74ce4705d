use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn clear(&mut self);
    }
}

fn main() {}
