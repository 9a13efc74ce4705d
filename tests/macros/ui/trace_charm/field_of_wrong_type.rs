use charm_tracing::trace_charm;

struct MyCharm {
    port: u16,
}

#[trace_charm(tracing_endpoint = "port")]
impl MyCharm {}

fn main() {}
