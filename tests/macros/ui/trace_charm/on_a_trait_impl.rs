use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl Clone for MyCharm {
    fn clone(&self) -> Self {
        MyCharm { endpoint: None }
    }
}

fn main() {}
