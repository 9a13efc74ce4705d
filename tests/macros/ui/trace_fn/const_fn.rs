use charm_tracing::trace_fn;

#[trace_fn]
const fn port() -> u16 {
    4318
}

fn main() {}
