use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", client_cert = "certificate", client_key = "key")]
impl MyCharm {
    fn certificate(&self) -> Option<&str> {
        None
    }
    fn key(&self) -> Result<Vec<u8>, std::io::Error> {
        std::fs::read("/etc/my-charm/client.key")
    }
}

fn main() {}
