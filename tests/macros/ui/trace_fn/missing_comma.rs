use charm_tracing::trace_fn;

#[trace_fn(name = "a" crate = b)]
fn restart() {}

fn main() {}
