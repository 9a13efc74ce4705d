use charm_tracing::trace_fn;

trait Restart {}

#[trace_fn]
impl Restart for fn() {}

fn main() {}
