use charm_tracing::{Certificate, trace_charm};

struct MyCharm {
    endpoint: Option<String>,
    certificate: Certificate,
    key: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", client_cert = "certificate", client_key = "key")]
impl MyCharm {}

fn main() {}
