use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn plain(texts: &[&str]) -> usize {
    let units = texts.iter().map(|text| text.parse().unwrap()).collect();
    texts.len()
}

#[trace_fn]
fn fallible(texts: &[&str]) -> Result<usize, Failure> {
    let units = texts.iter().map(|text| text.parse().unwrap()).collect();
    Ok(texts.len())
}

#[trace_fn]
async fn future(texts: &[&str]) -> usize {
    let units = texts.iter().map(|text| text.parse().unwrap()).collect();
    texts.len()
}

fn main() {}
