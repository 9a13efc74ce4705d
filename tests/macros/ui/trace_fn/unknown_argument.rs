use charm_tracing::trace_fn;

#[trace_fn(level = "debug")]
fn restart() {}

fn main() {}
