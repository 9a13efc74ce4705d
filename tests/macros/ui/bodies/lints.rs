#![deny(unused_variables, unused_mut, unused_assignments, unreachable_code, unused_must_use, dead_code)]

use charm_tracing::trace_fn;

pub struct Failure;

#[trace_fn]
pub fn unused_argument(units: u8) -> u8 {
    let name = 3;
    4
}

#[trace_fn]
pub fn unused_argument_of_fallible(units: u8) -> Result<u8, Failure> {
    let name = 3;
    Ok(4)
}

#[trace_fn]
pub async fn unused_argument_of_future(units: u8) -> u8 {
    let name = 3;
    4
}

#[trace_fn]
pub fn unused_mut(mut units: u8) -> Result<u8, Failure> {
    let mut name = 3;
    Ok(units + name)
}

#[trace_fn]
pub async fn unused_mut_of_future(mut units: u8) -> u8 {
    let mut name = 3;
    units + name
}

#[trace_fn]
pub fn assigned_for_nothing(mut units: u8) -> Result<u8, Failure> {
    units = 3;
    Ok(3)
}

#[trace_fn]
pub fn unreachable() -> u8 {
    return 3;
    4
}

#[trace_fn]
pub fn unreachable_of_fallible(units: u8) -> Result<u8, Failure> {
    return Ok(units);
    Err(Failure)
}

#[trace_fn]
pub async fn unreachable_of_future(units: u8) -> u8 {
    return units;
    4
}

#[trace_fn]
pub fn unused_result() -> Result<u8, Failure> {
    unused_mut(3);
    Ok(4)
}

#[trace_fn]
fn never_called() -> Result<u8, Failure> {
    Ok(4)
}

#[trace_fn]
#[track_caller]
pub fn unreachable_of_tracked(units: u8) -> Result<u8, Failure> {
    return Ok(units);
    Err(Failure)
}

fn main() {}
