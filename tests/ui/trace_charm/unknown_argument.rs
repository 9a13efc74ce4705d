use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", server_certificate = "endpoint")]
impl MyCharm {}

fn main() {}
