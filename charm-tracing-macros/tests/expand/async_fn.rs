#[trace_fn]
async fn fetch(url: &str, retries: u8) -> Result<String, Error> {
    client().get(url, retries).await?.text().await
}

#[trace_fn]
async fn wait(mut seconds: u64) {
    while seconds > 0 {
        seconds -= 1;
        sleep(1).await;
    }
}
