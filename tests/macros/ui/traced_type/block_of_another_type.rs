use std::collections::BTreeMap;

struct Other;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Other {
        fn len(&self) -> usize;
    }
}

fn main() {}
