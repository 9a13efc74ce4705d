use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn plain() -> u8 {}

#[trace_fn]
fn plain_with_a_semicolon(units: u8) -> u8 {
    units + 1;
}

#[trace_fn]
fn fallible() -> Result<u8, Failure> {
    let _units = 3;
}

#[trace_fn]
fn fallible_with_a_semicolon(units: u8) -> Result<u8, Failure> {
    Ok(units);
}

#[trace_fn]
fn forgotten_ok(units: &mut u8) -> Result<(), Failure> {
    *units += 1;
}

#[trace_fn]
#[track_caller]
fn tracked() -> Result<u8, Failure> {
    let _units = 3;
}

#[trace_fn]
async fn future() -> Result<u8, Failure> {
    let _units = 3;
}

#[trace_fn]
async fn future_with_a_semicolon(units: u8) -> u8 {
    units + 1;
}

fn main() {}
