use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = Some("http://tempo:4318"))]
impl MyCharm {}

fn main() {}
