#[trace_type]
impl<T> Display for Wrapper<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("...")
    }
}
