use charm_tracing::trace_type;

struct Workload;

#[trace_type(only(restart, port))]
impl Workload {
    fn restart(&self) {}
    const fn port(&self) -> u16 {
        80
    }
}

fn main() {}
