use charm_tracing::trace_fn;

#[trace_fn(err = on)]
fn start() -> Result<(), String> {
    Ok(())
}

#[trace_fn(err)]
fn stop() -> Result<(), String> {
    Ok(())
}

#[trace_fn(err = Debug)]
fn restart() -> Result<(), String> {
    Ok(())
}

#[trace_fn(err = false)]
fn reload() -> Result<(), String> {
    Ok(())
}

fn main() {}
