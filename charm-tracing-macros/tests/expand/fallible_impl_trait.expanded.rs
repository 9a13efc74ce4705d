fn units(path: &Path) -> Result<impl Iterator<Item = String>, Box<dyn Error>> {
    let __returns = ::charm_tracing::__private::Returns::inferred();
    if let ::charm_tracing::__private::Option::Some(__returned) = __returns.nothing() {
        return __returned;
    }
    let __body = __returns
        .body(move || {
            let text = fs::read_to_string(path)?;
            Ok(text.lines().map(str::to_owned).collect::<Vec<_>>().into_iter())
        });
    if !::charm_tracing::__private::is_enabled() {
        return __body();
    }
    let (__callee, __leave) = (
        {
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "function call: units",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::units"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        },
        __returns
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
