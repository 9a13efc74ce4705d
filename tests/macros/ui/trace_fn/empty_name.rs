use charm_tracing::trace_fn;

#[trace_fn(name = "")]
fn restart() {}

fn main() {}
