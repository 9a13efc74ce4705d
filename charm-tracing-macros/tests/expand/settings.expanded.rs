struct MyCharm {
    endpoint: String,
    headers: Vec<(String, String)>,
}
#[automatically_derived]
impl ::charm_tracing::__private::TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks
for MyCharm {
    fn config() -> ::charm_tracing::Config {
        ::charm_tracing::Config::new()
            .charm_type("MyCharm")
            .charm_type("Other")
            .request_timeout(Duration::from_millis(500))
            .delivery_timeout(TIMEOUT)
            .resource_attribute("deployment.environment.name", "staging")
            .resource_attribute("shard", shard())
            .span_exporter(otlp)
            .span_exporter(|| Stdout::default())
    }
    fn destination(
        &self,
    ) -> ::charm_tracing::__private::Option<::charm_tracing::Destination> {
        ::charm_tracing::__private::Members::new()
            .tracing_endpoint(&self.endpoint)
            .headers(&self.headers)
            .destination()
    }
}
