use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", buffer_max_events = "many")]
impl MyCharm {}

fn main() {}
