use charm_tracing::trace_charm;

struct MyCharm;

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn endpoint(&mut self) -> String {
        "http://tempo:4318".into()
    }
}

fn main() {}
