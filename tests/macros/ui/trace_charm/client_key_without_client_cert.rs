use charm_tracing::trace_charm;

#[trace_charm(tracing_endpoint = "endpoint", client_key = "key", server_cert = "authorities")]
struct MyCharm {
    endpoint: Option<String>,
    authorities: Option<String>,
    key: Option<String>,
}

fn main() {}
