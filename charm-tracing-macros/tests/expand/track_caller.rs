#[trace_fn]
#[track_caller]
fn port(text: &str) -> Result<u16, Error> {
    if text.is_empty() {
        return Err(Error::Empty);
    }
    let port = text.parse()?;
    Ok(port)
}
