use charm_tracing::trace_type;

struct Workload;

#[trace_type(onyl(start))]
impl Workload {
    fn start(&self) {}
}

fn main() {
    Workload.start();
}
