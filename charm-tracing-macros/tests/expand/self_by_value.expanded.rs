impl Workload {
    fn stop(self) -> Result<Stopped, Error> {
        let __body = ::charm_tracing::__private::Returns::<
            Result<Stopped, Error>,
        >::inferred()
            .body(move || -> Result<Stopped, Error> {
                let _ = (&self,);
                self.child.kill()?;
                Ok(Stopped)
            });
        if !::charm_tracing::__private::is_enabled() {
            return __body();
        }
        let (__callee, __leave) = (
            {
                static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                    "method call: Workload.stop",
                    ::charm_tracing::__private::concat!(
                        ::charm_tracing::__private::module_path!(), "::Workload::stop"
                    ),
                    ::charm_tracing::__private::file!(),
                    ::charm_tracing::__private::line!(),
                );
                ::charm_tracing::__private::Site::callee(&SITE)
            },
            ::charm_tracing::__private::Returns::<Result<Stopped, Error>>::inferred()
                .leave(|__span, __returned| {
                    use ::charm_tracing::__private::leave::*;
                    (&&::charm_tracing::__private::Returns::of(&__returned))
                        .__leave(
                            __span,
                            __returned,
                            |__returned| {
                                use ::charm_tracing::__private::probe::*;
                                (&&&&&&&::charm_tracing::__private::probe::Returned(
                                    __returned,
                                ))
                                    .__failure()
                            },
                        )
                }),
        );
        if ::charm_tracing::__private::RUN_IN_PLACE {
            let __span = ::charm_tracing::__private::enter(__callee);
            return ::charm_tracing::__private::Entered::leave(
                (__span, __body()),
                __leave,
            );
        }
        return ::charm_tracing::__private::run(__callee, __body, __leave);
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
        Workload,
    > for Workload {}
};
