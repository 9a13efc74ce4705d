#[track_caller]
fn port(text: &str) -> Result<u16, Error> {
    let __span = ::charm_tracing::__private::enter({
        static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
            "function call: port",
            ::charm_tracing::__private::concat!(
                ::charm_tracing::__private::module_path!(), "::port"
            ),
            ::charm_tracing::__private::file!(),
            ::charm_tracing::__private::line!(),
        );
        ::charm_tracing::__private::Site::callee(&SITE)
    });
    if text.is_empty() {
        return Err(Error::Empty);
    }
    let port = text.parse()?;
    Ok(port)
}
