use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "http://tempo:4318")]
impl MyCharm {}

fn main() {}
