use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(endpoint = "endpoint")]
impl MyCharm {}

#[trace_charm(tracing_endpoint = "endpoint", server_certificate = "endpoint")]
struct Another {
    endpoint: Option<String>,
}

fn main() {}
