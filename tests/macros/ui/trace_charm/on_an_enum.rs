use charm_tracing::trace_charm;

#[trace_charm(tracing_endpoint = "endpoint")]
enum MyCharm {
    Leader,
}

fn main() {}
