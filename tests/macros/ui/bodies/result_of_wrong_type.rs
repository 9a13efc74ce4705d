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

#[trace_fn]
async fn future() -> u8 {
    "three"
}

#[trace_fn]
async fn fallible_future(units: u8) -> Result<u8, Failure> {
    units
}

#[trace_fn]
async fn future_that_returns_early(units: u8) -> u8 {
    if units > 3 {
        return "three";
    }
    units
}

#[trace_fn]
#[track_caller]
fn tracked(units: u8) -> Result<u8, Failure> {
    units
}

#[trace_fn]
fn future_of_another_type() -> impl Future<Output = u8> {
    async { "three" }
}

#[trace_fn]
fn no_future(units: u8) -> impl Future<Output = u8> {
    units
}

#[trace_fn]
fn iterator_of_another_type(units: u8) -> Result<impl Iterator<Item = u8>, Failure> {
    Ok(units)
}

fn main() {}
