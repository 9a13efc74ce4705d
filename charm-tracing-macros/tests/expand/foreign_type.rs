traced_type! {
    /// Settings by name.
    #[derive(Debug, Default)]
    pub struct Settings(BTreeMap<String, String>);

    impl Settings {
        pub fn new() -> Self;
        pub fn insert(&mut self, key: String, value: String) -> Option<String>;
        /// Forgets one.
        pub fn remove(&mut self, key: &str) -> Option<String>;
    }
}
