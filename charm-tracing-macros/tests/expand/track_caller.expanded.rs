#[track_caller]
fn port(text: &str) -> Result<u16, Error> {
    let __span = ::charm_tracing::__private::enter({
        static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
            "function call: port",
            ::charm_tracing::__private::concat!(
                ::charm_tracing::__private::module_path!(), "::port"
            ),
            ::charm_tracing::__private::file!(),
            0u32,
        );
        ::charm_tracing::__private::Site::callee(&SITE)
    });
    let __returns = ::charm_tracing::__private::Returns::<
        Result<u16, Error>,
    >::inferred();
    let __notice = |__returned| {
        ::charm_tracing::__private::Entered::notice(
            &__span,
            __returns,
            __returned,
            |__returned| {
                use ::charm_tracing::__private::probe::*;
                (&&&&&&::charm_tracing::__private::probe::Returned(__returned))
                    .__failure()
            },
        )
    };
    if text.is_empty() {
        return __notice(Err(Error::Empty));
    }
    let port = (match ::charm_tracing::__private::Try::branch(text.parse()) {
        ::charm_tracing::__private::ControlFlow::Continue(__value) => __value,
        ::charm_tracing::__private::ControlFlow::Break(__residual) => {
            return __notice(
                ::charm_tracing::__private::FromResidual::from_residual(__residual),
            );
        }
    });
    __notice(Ok(port))
}
