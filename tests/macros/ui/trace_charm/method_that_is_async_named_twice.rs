use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", client_cert = "identity", client_key = "identity")]
impl MyCharm {
    async fn identity(&self) -> Option<String> {
        None
    }
}

fn main() {}
