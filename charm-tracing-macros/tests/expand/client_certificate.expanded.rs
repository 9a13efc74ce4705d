struct MyCharm {
    endpoint: String,
    certificate: PathBuf,
}
#[automatically_derived]
impl ::charm_tracing::__private::TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks
for MyCharm {
    fn config() -> ::charm_tracing::Config {
        ::charm_tracing::Config::new().charm_type("MyCharm")
    }
    fn destination(
        &self,
    ) -> ::charm_tracing::__private::Option<::charm_tracing::Destination> {
        ::charm_tracing::__private::Members::new()
            .tracing_endpoint(&self.endpoint)
            .client_cert(&self.certificate)
            .client_key(&self.key())
            .destination()
    }
}
