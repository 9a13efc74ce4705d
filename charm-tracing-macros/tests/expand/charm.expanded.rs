impl MyCharm {
    fn endpoint(&self) -> Option<String> {
        let __span = ::charm_tracing::__private::enter({
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "method call: MyCharm.endpoint",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::MyCharm::endpoint"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        });
        None
    }
}
#[automatically_derived]
impl ::charm_tracing::__private::TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks
for MyCharm {
    fn config() -> ::charm_tracing::Config {
        ::charm_tracing::Config::new()
            .charm_type("MyCharm")
            .service_name("my")
            .buffer_max_events(10)
            .max_bytes_per_trace(4_500_000)
            .log("info")
    }
    fn destination(
        &self,
    ) -> ::charm_tracing::__private::Option<::charm_tracing::Destination> {
        ::charm_tracing::__private::Members::new()
            .tracing_endpoint(&self.endpoint())
            .server_cert(&self.cert)
            .destination()
    }
}
const _: () = {
    #[doc(hidden)]
    pub struct __TracedBlock;
    #[doc(hidden)]
    #[automatically_derived]
    impl ::charm_tracing::__private::extra_types::Block<
        __TracedBlock,
        (),
        Number,
        MyCharm,
    > for MyCharm {}
};
struct Other {
    endpoint: String,
}
#[automatically_derived]
impl ::charm_tracing::__private::TraceCharmOncePerTypeAndTraceTypeOnOtherBlocks
for Other {
    fn config() -> ::charm_tracing::Config {
        ::charm_tracing::Config::new().charm_type("Other")
    }
    fn destination(
        &self,
    ) -> ::charm_tracing::__private::Option<::charm_tracing::Destination> {
        ::charm_tracing::__private::Members::new()
            .tracing_endpoint(&self.endpoint)
            .destination()
    }
}
const _: fn() = || {
    use ::charm_tracing::__private::extra_types::{
        AnyOne as _, AnyZero as _, Otherwise as _, OwnOne as _, OwnZero as _,
    };
    let block = (&&&&&::charm_tracing::__private::extra_types::Search::<
        Database,
        _,
        _,
        _,
        _,
    >::NEW)
        .bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let block = (&&&&&block).bit();
    let _ = block;
};
