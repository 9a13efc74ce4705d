use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Clone for Settings {
        fn clone(&self) -> Self;
    }
}

fn main() {}
