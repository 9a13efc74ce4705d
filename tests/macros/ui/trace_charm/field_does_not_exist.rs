use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "end_point")]
impl MyCharm {}

fn main() {}
