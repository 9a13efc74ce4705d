impl<T> Display for Wrapper<T> {
    #[allow(clippy::result_large_err)]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let __body = ::charm_tracing::__private::Returns::<fmt::Result>::inferred()
            .body(move || -> fmt::Result { formatter.write_str("...") });
        if !::charm_tracing::__private::is_enabled() {
            return __body();
        }
        let (__callee, __leave) = (
            {
                static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                    "method call: Wrapper.fmt",
                    ::charm_tracing::__private::concat!(
                        ::charm_tracing::__private::module_path!(), "::Wrapper::fmt"
                    ),
                    ::charm_tracing::__private::file!(),
                    ::charm_tracing::__private::line!(),
                );
                ::charm_tracing::__private::Site::callee(&SITE)
            },
            ::charm_tracing::__private::Returns::<fmt::Result>::inferred()
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
    impl<
        T,
    > ::charm_tracing::__private::extra_types::Block<
        __TracedBlock,
        (::charm_tracing::__private::PhantomData<T>,),
        Number,
        Wrapper<T>,
    > for ::charm_tracing::__private::extra_types::Blocks {}
};
