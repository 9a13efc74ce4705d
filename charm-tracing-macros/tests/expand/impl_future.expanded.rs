fn fetch<'a>(url: &'a str) -> impl Future<Output = Result<String, Error>> + Send + 'a {
    let __span = ::charm_tracing::__private::enter({
        static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
            "function call: fetch",
            ::charm_tracing::__private::concat!(
                ::charm_tracing::__private::module_path!(), "::fetch"
            ),
            ::charm_tracing::__private::file!(),
            ::charm_tracing::__private::line!(),
        );
        ::charm_tracing::__private::Site::callee(&SITE)
    });
    return ::charm_tracing::__private::call_for_future::<
        Result<String, Error>,
        _,
    >(
        __span,
        move || { async move { get(url).await } },
        |__returned| {
            use ::charm_tracing::__private::probe::*;
            (&&&&&&&::charm_tracing::__private::probe::Returned(__returned)).__failure()
        },
    );
}
