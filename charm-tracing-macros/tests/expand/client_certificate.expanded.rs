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
        ::charm_tracing::__private::with_client_certificate(
            ::charm_tracing::__private::destination(
                ::charm_tracing::__private::setting(&self.endpoint),
                ::charm_tracing::__private::Option::None,
            ),
            ::charm_tracing::__private::pem(&self.certificate),
            ::charm_tracing::__private::pem(&self.key()),
        )
    }
}
