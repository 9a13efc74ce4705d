use charm_tracing::trace_type;

struct Workload;

#[trace_type(skip(restart, restart))]
impl Workload {
    fn restart(&self) {}
}

fn main() {}
