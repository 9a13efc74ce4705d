use charm_tracing::trace_fn;

#[trace_fn]
struct Workload;

fn main() {}
