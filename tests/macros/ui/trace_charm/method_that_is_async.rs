use charm_tracing::trace_charm;

struct MyCharm;

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    async fn endpoint(&self) -> String {
        "http://tempo:4318".into()
    }
}

fn main() {}
