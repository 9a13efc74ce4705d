use charm_tracing::trace_type;

struct Workload;

#[trace_type(skip(restart, stop))]
impl Workload {
    fn restart(&self) {}
}

fn main() {}
