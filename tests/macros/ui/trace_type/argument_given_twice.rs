use charm_tracing::trace_type;

struct Workload;

#[trace_type(name = "Db", name = "Store")]
impl Workload {
    fn restart(&self) {}
}

fn main() {}
