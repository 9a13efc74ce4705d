#[trace_charm(
    tracing_endpoint = "endpoint",
    headers = "headers",
    charm_type = "Other",
    resource_attributes(deployment.environment.name = "staging", "shard" = shard()),
    request_timeout = Duration::from_millis(500),
    delivery_timeout = TIMEOUT,
    span_exporters = [otlp, || Stdout::default()]
)]
struct MyCharm {
    endpoint: String,
    headers: Vec<(String, String)>,
}
