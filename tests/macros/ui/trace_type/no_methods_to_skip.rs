use charm_tracing::trace_type;

struct Workload;

#[trace_type(skip(restart))]
impl Workload {
    const UNITS: u8 = 3;
}

fn main() {}
