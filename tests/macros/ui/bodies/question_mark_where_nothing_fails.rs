use charm_tracing::trace_fn;

#[trace_fn]
fn plain(text: &str) -> u8 {
    text.parse()?
}

#[trace_fn]
fn nothing(text: &str) {
    let _units: u8 = text.parse()?;
}

#[trace_fn]
async fn future(text: &str) -> u8 {
    text.parse()?
}

fn main() {}
