impl<'a, T: Debug> Database<'a, T>
where
    T: Send,
{
    const PORT: u16 = 5432;
    pub fn new(inner: &'a T) -> Self {
        let __body = ::charm_tracing::__private::Returns::<Self>::inferred()
            .body(move || -> Self { Self { inner } });
        if !::charm_tracing::__private::is_enabled() {
            return __body();
        }
        let (__callee, __leave) = (
            {
                static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                    "method call: Database.new",
                    ::charm_tracing::__private::concat!(
                        ::charm_tracing::__private::module_path!(), "::Database::new"
                    ),
                    ::charm_tracing::__private::file!(),
                    ::charm_tracing::__private::line!(),
                );
                ::charm_tracing::__private::Site::callee(&SITE)
            },
            ::charm_tracing::__private::Returns::<Self>::inferred()
                .leave(|__span, __returned| {
                    use ::charm_tracing::__private::leave::*;
                    (&::charm_tracing::__private::Returns::of(&__returned))
                        .__leave(
                            __span,
                            __returned,
                            |__returned| {
                                use ::charm_tracing::__private::probe::*;
                                (&&&&::charm_tracing::__private::probe::Returned(
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
    pub fn connect(&mut self) -> Result<(), Error> {
        let __body = ::charm_tracing::__private::Returns::<Result<(), Error>>::inferred()
            .body(move || -> Result<(), Error> { self.open(Self::PORT) });
        if !::charm_tracing::__private::is_enabled() {
            return __body();
        }
        let (__callee, __leave) = (
            {
                static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                    "method call: Database.connect",
                    ::charm_tracing::__private::concat!(
                        ::charm_tracing::__private::module_path!(), "::Database::connect"
                    ),
                    ::charm_tracing::__private::file!(),
                    ::charm_tracing::__private::line!(),
                );
                ::charm_tracing::__private::Site::callee(&SITE)
            },
            ::charm_tracing::__private::Returns::<Result<(), Error>>::inferred()
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
    pub fn version(&self) -> u8 {
        3
    }
    #[trace_fn(name = "reset")]
    #[::charm_tracing::trace_fn(
        __last(::charm_tracing, impl<'a, T:Debug>Database<'a, T>where T:Send, {})
    )]
    pub fn reset(&mut self) {}
    pub const fn port() -> u16 {
        Self::PORT
    }
}
const _: () = {
    #[doc(hidden)]
    pub struct __TracedBlock;
    #[doc(hidden)]
    #[automatically_derived]
    impl<
        'a,
        T: Debug,
    > ::charm_tracing::__private::extra_types::Block<
        __TracedBlock,
        (::charm_tracing::__private::PhantomData<T>,),
        Number,
        Database<'a, T>,
    > for Database<'a, T>
    where
        T: Send,
    {}
};
