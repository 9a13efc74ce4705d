trait HealthCheck {
    fn check(&self) -> bool;
    fn is_down(&self) -> bool {
        let __span = ::charm_tracing::__private::enter({
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "method call: Probe.is_down",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::HealthCheck::is_down"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        });
        !self.check()
    }
}
trait Restart {
    fn restart(&self) -> Result<(), Error> {
        let __body = ::charm_tracing::__private::Returns::<Result<(), Error>>::inferred()
            .body(move || -> Result<(), Error> {
                self.stop()?;
                self.start()
            });
        if !::charm_tracing::__private::is_enabled() {
            return __body();
        }
        let (__callee, __leave) = (
            {
                static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                    "restart",
                    ::charm_tracing::__private::concat!(
                        ::charm_tracing::__private::module_path!(), "::Restart::restart"
                    ),
                    ::charm_tracing::__private::file!(),
                    ::charm_tracing::__private::line!(),
                );
                ::charm_tracing::__private::Site::method_of(
                    &SITE,
                    ::charm_tracing::__private::type_name::<Self>,
                )
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
}
