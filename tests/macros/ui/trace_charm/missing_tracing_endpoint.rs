use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(service_name = "mine")]
impl MyCharm {}

fn main() {}
