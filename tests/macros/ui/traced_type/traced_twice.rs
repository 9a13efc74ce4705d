use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    #[charm_tracing::trace_type(skip(len))]
    impl Settings {
        fn len(&self) -> usize;
    }
}

fn main() {}
