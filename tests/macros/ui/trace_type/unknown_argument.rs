use charm_tracing::trace_type;

struct Workload;

#[trace_type(tracing_endpoint = "endpoint")]
impl Workload {
    fn restart(&self) {}
}

fn main() {}
