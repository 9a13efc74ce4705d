fn write(name: &str, units: usize) -> usize {
    let __span = ::charm_tracing::__private::enter_with(
        {
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "write config",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::write"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        },
        |__attributes| {
            __attributes
                .add(
                    "config.units",
                    || match &(units) {
                        __value => {
                            use ::charm_tracing::__private::value::*;
                            (&&&::charm_tracing::__private::value::Evaluated(__value))
                                .__value()
                        }
                    },
                );
            __attributes
                .add(
                    "config.name",
                    || match &(name) {
                        __value => {
                            use ::charm_tracing::__private::value::*;
                            (&&&::charm_tracing::__private::value::Evaluated(__value))
                                .__value()
                        }
                    },
                );
        },
    );
    name.len() * units
}
async fn scale(units: usize) {
    let __returns = ::charm_tracing::__private::Returns::<()>::inferred();
    let __span = ::charm_tracing::__private::open_future(
        {
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "function call: scale",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::scale"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        },
        |__attributes| {
            __attributes
                .add(
                    "units",
                    || match &(units) {
                        __value => {
                            use ::charm_tracing::__private::value::*;
                            (&&&::charm_tracing::__private::value::Evaluated(__value))
                                .__value()
                        }
                    },
                );
        },
        __returns,
        ::charm_tracing::__private::never_fails,
    );
    return ::charm_tracing::__private::trace_future(
            __span,
            async move {
                if let ::charm_tracing::__private::Option::Some(__returned) = __returns
                    .nothing()
                {
                    return __returned;
                }
                apply(units).await;
            },
        )
        .await;
}
