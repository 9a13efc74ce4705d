use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
    authorities: Vec<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", server_cert = "authorities")]
impl MyCharm {}

fn main() {}
