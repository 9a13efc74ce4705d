use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "self.endpoint")]
impl MyCharm {}

fn main() {}
