use charm_tracing::with_current_context;

fn main() {
    let doubled = with_current_context(|number: u8| number * 2);
    drop(doubled);
}
