use std::collections::BTreeMap;

charm_tracing::traced_type! {
    #[traced(nam = "Map")]
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        const fn new() -> Self;
        fn append(&mut self, other: &mut Self);
        fn len(&self) -> usize {
            0
        }
    }
}

fn main() {
    Settings::from(BTreeMap::new()).len();
}
