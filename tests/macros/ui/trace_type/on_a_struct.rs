use charm_tracing::trace_type;

#[trace_type]
struct Workload;

fn main() {}
