use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = 7, service = "mine", buffer_max_events = "many", server_cert)]
impl MyCharm {}

fn main() {}
