use charm_tracing::trace_fn;

#[trace_fn(name = restart)]
fn restart() {}

fn main() {}
