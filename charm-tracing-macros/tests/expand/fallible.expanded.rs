fn write((path, _): (&Path, u8), text: String, units: usize) -> io::Result<usize> {
    let __body = ::charm_tracing::__private::Returns::<io::Result<usize>>::inferred()
        .body(move || -> io::Result<usize> {
            {
                let __arguments = (text,);
                #[allow(clippy::shadow_unrelated)]
                match __arguments {
                    (mut text,) => {
                        text.push('\n');
                        fs::write(path, &text)?;
                        Ok(text.len() * units)
                    }
                }
            }
        });
    if !::charm_tracing::__private::is_enabled() {
        return __body();
    }
    let (__callee, __leave) = (
        {
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "function call: write",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::write"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        },
        ::charm_tracing::__private::Returns::<io::Result<usize>>::inferred()
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
        return ::charm_tracing::__private::Entered::leave((__span, __body()), __leave);
    }
    return ::charm_tracing::__private::run(__callee, __body, __leave);
}
fn find(key: &str) -> Result<u8, NotFound> {
    let __body = ::charm_tracing::__private::Returns::<Result<u8, NotFound>>::inferred()
        .body(move || -> Result<u8, NotFound> { lookup(key) });
    if !::charm_tracing::__private::is_enabled() {
        return __body();
    }
    let (__callee, __leave) = (
        {
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "function call: find",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::find"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        },
        ::charm_tracing::__private::Returns::<Result<u8, NotFound>>::inferred()
            .leave(|__span, __returned| {
                use ::charm_tracing::__private::leave::*;
                (&&::charm_tracing::__private::Returns::of(&__returned))
                    .__leave(__span, __returned, ::charm_tracing::__private::never_fails)
            }),
    );
    if ::charm_tracing::__private::RUN_IN_PLACE {
        let __span = ::charm_tracing::__private::enter(__callee);
        return ::charm_tracing::__private::Entered::leave((__span, __body()), __leave);
    }
    return ::charm_tracing::__private::run(__callee, __body, __leave);
}
