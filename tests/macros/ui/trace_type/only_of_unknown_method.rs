use charm_tracing::trace_type;

struct Workload;

#[trace_type(only(restart, start))]
impl Workload {
    fn restart(&self) {}
    fn stop(&self) {}
}

fn main() {}
