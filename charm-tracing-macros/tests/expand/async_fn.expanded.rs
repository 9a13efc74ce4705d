async fn fetch(url: &str, retries: u8) -> Result<String, Error> {
    let __returns = ::charm_tracing::__private::Returns::<
        Result<String, Error>,
    >::inferred();
    let __span = ::charm_tracing::__private::open_future(
        {
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "function call: fetch",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::fetch"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        },
        ::charm_tracing::__private::no_attributes,
        __returns,
        |__returned| {
            use ::charm_tracing::__private::probe::*;
            (&&&&&&&::charm_tracing::__private::probe::Returned(__returned)).__failure()
        },
    );
    return ::charm_tracing::__private::trace_future(
            __span,
            async move {
                if let ::charm_tracing::__private::Option::Some(__returned) = __returns
                    .nothing()
                {
                    return __returned;
                }
                client().get(url, retries).await?.text().await
            },
        )
        .await;
}
async fn wait(seconds: u64) {
    let __returns = ::charm_tracing::__private::Returns::<()>::inferred();
    let __span = ::charm_tracing::__private::open_future(
        {
            static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
                "function call: wait",
                ::charm_tracing::__private::concat!(
                    ::charm_tracing::__private::module_path!(), "::wait"
                ),
                ::charm_tracing::__private::file!(),
                ::charm_tracing::__private::line!(),
            );
            ::charm_tracing::__private::Site::callee(&SITE)
        },
        ::charm_tracing::__private::no_attributes,
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
                {
                    let __arguments = (seconds,);
                    #[allow(clippy::shadow_unrelated)]
                    match __arguments {
                        (mut seconds,) => {
                            while seconds > 0 {
                                seconds -= 1;
                                sleep(1).await;
                            }
                        }
                    }
                }
            },
        )
        .await;
}
