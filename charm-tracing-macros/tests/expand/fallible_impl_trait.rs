#[trace_fn]
fn units(path: &Path) -> Result<impl Iterator<Item = String>, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    Ok(text.lines().map(str::to_owned).collect::<Vec<_>>().into_iter())
}
