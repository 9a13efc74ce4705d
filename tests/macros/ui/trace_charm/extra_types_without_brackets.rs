use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", extra_types = String)]
impl MyCharm {}

fn main() {}
