use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn plain(names: &mut Vec<&'static str>) -> usize {
    let first = &names[0];
    names.clear();
    first.len()
}

#[trace_fn]
fn fallible(mut names: Vec<&'static str>) -> Result<usize, Failure> {
    let first = &names[0];
    names.clear();
    Ok(first.len())
}

#[trace_fn]
async fn future(names: &mut Vec<&'static str>) -> usize {
    let first = &names[0];
    names.clear();
    first.len()
}

fn main() {}
