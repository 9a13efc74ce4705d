use charm_tracing::trace_charm;

struct MyCharm;

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn endpoint(&self, protocol: &str) -> String {
        format!("{protocol}://tempo:4318")
    }
}

fn main() {}
