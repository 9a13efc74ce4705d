/// Settings by name.
#[derive(Debug, Default)]
pub struct Settings(BTreeMap<String, String>);
impl ::charm_tracing::__private::Deref for Settings {
    type Target = BTreeMap<String, String>;
    #[inline]
    fn deref(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}
impl ::charm_tracing::__private::DerefMut for Settings {
    #[inline]
    fn deref_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.0
    }
}
impl ::charm_tracing::__private::From<BTreeMap<String, String>> for Settings {
    #[inline]
    fn from(foreign: BTreeMap<String, String>) -> Self {
        Self(foreign)
    }
}
impl Settings {
    ///The `BTreeMap` itself, whose calls open no spans.
    #[inline]
    #[must_use]
    pub fn into_inner(self) -> BTreeMap<String, String> {
        self.0
    }
}
#[::charm_tracing::trace_type(name = "BTreeMap", crate = ::charm_tracing)]
impl Settings {
    /// Calls `BTreeMap::new`, in a span.
    pub fn new() -> Self {
        Self(<<Self as ::charm_tracing::__private::Deref>::Target>::new())
    }
    /// Calls `BTreeMap::insert`, in a span.
    pub fn insert(&mut self, key: String, value: String) -> Option<String> {
        self.0.insert(key, value)
    }
    /// Forgets one.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }
}
