use charm_tracing::trace_charm;

struct MyCharm;

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn endpoint(&self) -> u16 {
        4318
    }
}

fn main() {}
