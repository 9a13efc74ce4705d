use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
    certificate: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", client_cert = "certificate")]
impl MyCharm {}

fn main() {}
