use charm_tracing::{trace_charm, trace_type};

struct Workload;

#[trace_type]
impl Workload {}

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", extra_types = [Workload, "Workload"])]
impl MyCharm {}

fn main() {}
