use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn plain() -> u8 {
    let units: u8 = "three";
    units
}

#[trace_fn]
fn fallible(name: &str) -> Result<u8, Failure> {
    let units: u8 = name;
    Ok(units)
}

#[trace_fn]
async fn future() -> Result<u8, Failure> {
    let units: u8 = "three";
    Ok(units)
}

#[trace_fn]
#[track_caller]
fn tracked() -> Result<u8, Failure> {
    let units: u8 = "three";
    Ok(units)
}

fn main() {}
