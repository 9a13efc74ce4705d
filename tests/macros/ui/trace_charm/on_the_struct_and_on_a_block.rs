use charm_tracing::trace_charm;

#[trace_charm(tracing_endpoint = "endpoint")]
struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {}

fn main() {}
