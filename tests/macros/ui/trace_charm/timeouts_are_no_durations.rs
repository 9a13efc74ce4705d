use charm_tracing::trace_charm;

#[trace_charm(tracing_endpoint = "endpoint", request_timeout = 2)]
struct Number {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", delivery_timeout = -1.5)]
struct Negative {
    endpoint: Option<String>,
}

fn main() {}
