use charm_tracing::{trace_charm, trace_type};

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
#[trace_type(name = "Charm")]
impl MyCharm {}

struct Workload;

#[trace_type]
#[trace_type(name = "Db")]
impl Workload {}

fn main() {}
