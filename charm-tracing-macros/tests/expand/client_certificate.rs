#[trace_charm(tracing_endpoint = "endpoint", client_cert = "certificate", client_key = "key")]
struct MyCharm {
    endpoint: String,
    certificate: PathBuf,
}
