use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        fn split(self) -> Vec<Self>;
        fn merge(self) -> Result<Self, Box<Self>>;
    }
}

fn main() {}
