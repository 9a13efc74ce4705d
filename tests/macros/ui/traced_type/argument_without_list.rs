use std::collections::BTreeMap;

charm_tracing::traced_type! {
    #[traced = "Map"]
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn len(&self) -> usize;
    }
}

fn main() {}
