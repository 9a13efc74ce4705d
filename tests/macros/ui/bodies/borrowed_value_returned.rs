use charm_tracing::trace_fn;

struct Failure;

#[trace_fn]
fn plain<'a>(name: String) -> &'a str {
    name.trim()
}

#[trace_fn]
fn fallible<'a>(name: String) -> Result<&'a str, Failure> {
    Ok(name.trim())
}

#[trace_fn]
fn of_a_variable() -> Result<&'static str, Failure> {
    let name = "".to_owned();
    Ok(name.trim())
}

#[trace_fn]
async fn future<'a>(name: String) -> &'a str {
    name.trim()
}

#[trace_fn]
fn shorter<'a>(_one: &'a str, another: &str) -> Result<&'a str, Failure> {
    Ok(another)
}

fn main() {}
