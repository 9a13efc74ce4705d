#[trace_fn]
fn render(units: usize, name: &str) -> String {
    const SEPARATOR: &str = ":";
    let name = name.trim();
    format!("{name}{SEPARATOR}{units}")
}
