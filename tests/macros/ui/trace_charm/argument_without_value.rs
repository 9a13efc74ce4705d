use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint, server_cert = "endpoint")]
impl MyCharm {}

fn main() {}
