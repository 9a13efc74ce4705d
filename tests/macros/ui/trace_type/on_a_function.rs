use charm_tracing::trace_type;

#[trace_type]
fn units() -> impl Iterator<Item = u8> {
    [1, 2].into_iter()
}

fn main() {}
