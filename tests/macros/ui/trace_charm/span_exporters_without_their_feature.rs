use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", span_exporters = [exporter])]
impl MyCharm {}

fn exporter() {}

fn main() {}
