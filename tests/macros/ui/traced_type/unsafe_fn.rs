use std::collections::BTreeMap;

charm_tracing::traced_type! {
    struct Settings(BTreeMap<String, String>);

    impl Settings {
        unsafe fn get_unchecked(&self, key: &str) -> &String;
    }
}

fn main() {}
