use charm_tracing::trace_fn;

#[trace_fn(attribute(units = units))]
fn start(units: u8) -> u8 {
    units
}

fn main() {
    start(3);
}
