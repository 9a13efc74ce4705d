use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn restart() -> Result<(), Failure> {
    let one = 1
    let two = 2;
    Ok(())
}

fn main() {
    let _ = restart();
}
