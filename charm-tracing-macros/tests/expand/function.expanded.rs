fn render(units: usize, name: &str) -> String {
    const SEPARATOR: &str = ":";
    let __span = ::charm_tracing::__private::enter({
        static SITE: ::charm_tracing::__private::Site = ::charm_tracing::__private::Site::new(
            "function call: render",
            ::charm_tracing::__private::concat!(
                ::charm_tracing::__private::module_path!(), "::render"
            ),
            ::charm_tracing::__private::file!(),
            ::charm_tracing::__private::line!(),
        );
        ::charm_tracing::__private::Site::callee(&SITE)
    });
    let name = name.trim();
    format!("{name}{SEPARATOR}{units}")
}
