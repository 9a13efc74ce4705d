#[trace_fn]
fn wait(unit: &str) -> io::Result<u8> {
    let units = wait(unit)?;
    Ok(units + 1)
}
