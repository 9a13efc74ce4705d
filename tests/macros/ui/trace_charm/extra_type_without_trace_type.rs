use charm_tracing::trace_charm;

struct Workload;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", extra_types = [Workload])]
impl MyCharm {}

fn main() {}
