use charm_tracing::trace_charm;

#[trace_charm(tracing_endpoint = "endpoint", resource_attributes(team))]
struct Bare {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint", resource_attributes = "team=a")]
struct Text {
    endpoint: Option<String>,
}

fn main() {}
