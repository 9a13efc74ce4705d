use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        const fn new() -> Self;
    }
}

fn main() {}
