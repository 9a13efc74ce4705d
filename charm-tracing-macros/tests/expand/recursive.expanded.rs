fn wait(unit: &str) -> io::Result<u8> {
    let __span = ::charm_tracing::__private::enter({
        static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
            "function call: wait",
            ::charm_tracing::__private::concat!(
                ::charm_tracing::__private::module_path!(), "::wait"
            ),
            ::charm_tracing::__private::file!(),
            ::charm_tracing::__private::line!(),
        );
        ::charm_tracing::__private::Site::callee(&SITE)
    });
    let __returned: io::Result<u8> = {
        let units = wait(unit)?;
        Ok(units + 1)
    };
    return ::charm_tracing::__private::Entered::leave(
        (__span, __returned),
        |__span, __returned| {
            use ::charm_tracing::__private::leave::*;
            (&&::charm_tracing::__private::Returns::of(&__returned))
                .__leave(
                    __span,
                    __returned,
                    |__returned| {
                        use ::charm_tracing::__private::probe::*;
                        (&&&&&&&::charm_tracing::__private::probe::Returned(__returned))
                            .__failure()
                    },
                )
        },
    );
}
