#[trace_fn(name = "main")]
#[tokio::main]
async fn waits(text: &str) -> anyhow::Result<u8> {
    Ok(text.parse()?)
}

#[trace_type(name = "Db")]
impl<T: Debug> Service for Database<T> {
    type Error = Full<T>;

    #[cfg_attr(feature = "renamed", trace_fn(name = "renamed"))]
    #[must_use]
    fn call(&self) -> Result<(), Self::Error> {
        self.inner()
    }
}

#[trace_fn(name = "renamed", attributes(length = text.len()))]
#[::charm_tracing::trace_fn(__last(::charm_tracing, "Db" impl Database {}))]
fn read(text: &str) -> usize {
    text.len()
}
