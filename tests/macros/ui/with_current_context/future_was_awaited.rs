use charm_tracing::with_current_context;

async fn fetch() -> u8 {
    7
}

async fn install() {
    let fetched = with_current_context(fetch().await);
    drop(fetched);
}

fn main() {
    drop(install());
}
