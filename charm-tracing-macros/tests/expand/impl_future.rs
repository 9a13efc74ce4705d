#[trace_fn]
fn fetch<'a>(url: &'a str) -> impl Future<Output = Result<String, Error>> + Send + 'a {
    async move { get(url).await }
}
