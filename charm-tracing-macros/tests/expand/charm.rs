#[trace_charm(
    tracing_endpoint = "endpoint",
    server_cert = "cert",
    service_name = "my",
    buffer_max_events = 10,
    max_bytes_per_trace = 4_500_000,
    log = "info"
)]
impl MyCharm {
    fn endpoint(&self) -> Option<String> {
        None
    }
}

#[trace_charm(tracing_endpoint = "endpoint", extra_types = [Database])]
struct Other {
    endpoint: String,
}
