#[trace_fn(name = "write config", attributes(config.units = units, "config.name" = name))]
fn write(name: &str, units: usize) -> usize {
    name.len() * units
}

#[trace_fn(attributes(units = units))]
async fn scale(units: usize) {
    apply(units).await;
}
