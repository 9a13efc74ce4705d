use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn fallible(text: &str) -> Result<u8, Failure> {
    let units = text.parse::<u8>()?;
    Ok(units)
}

#[trace_fn]
async fn future(text: &str) -> Result<u8, Failure> {
    let units = text.parse::<u8>()?;
    Ok(units)
}

#[trace_fn]
#[track_caller]
fn tracked(text: &str) -> Result<u8, Failure> {
    let units = text.parse::<u8>()?;
    Ok(units)
}

fn main() {}
