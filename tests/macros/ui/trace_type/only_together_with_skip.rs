use charm_tracing::trace_type;

struct Workload;

#[trace_type(only(restart), skip(stop))]
impl Workload {
    fn restart(&self) {}
    fn stop(&self) {}
}

fn main() {}
