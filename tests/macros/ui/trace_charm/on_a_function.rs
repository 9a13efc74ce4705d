use charm_tracing::trace_charm;

#[trace_charm(tracing_endpoint = "endpoint")]
fn my_charm() {}

fn main() {}
