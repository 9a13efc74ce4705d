use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn plain() -> u8 {
    "three"
}

#[trace_fn]
fn fallible() -> Result<u8, Failure> {
    "three"
}

#[trace_fn]
fn fallible_with_argument(units: u8) -> Result<u8, Failure> {
    units
}

#[trace_fn]
fn returned_early(units: u8) -> Result<u8, Failure> {
    if units == 0 {
        return 0;
    }
    Ok(units)
}

fn main() {}
