//! How spans are called. The names are the Python library's, so that dashboards and queries keep working.

/// `app/0: update-status event`, the root of a dispatch.
pub(crate) fn root(unit: &str, dispatch_path: &str) -> String {
    let name = dispatch_path.split_once('/').map_or(dispatch_path, |(_, name)| name);
    format!("{unit}: {name} event")
}

/// `event: update_status`.
pub(crate) fn event(name: &str) -> String {
    format!("event: {name}")
}

/// `method call: MyCharm.on_start`.
pub(crate) fn method_call(type_name: &str, method: &str) -> String {
    format!("method call: {type_name}.{method}")
}

/// `Vec` for `alloc::vec::Vec<my_charm::Unit>`, as `std::any::type_name` writes it.
pub(crate) fn short_type_name(full: &str) -> &str {
    let path = full.split('<').next().unwrap_or(full);
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_named_for_the_unit_and_the_hook_as_juju_writes_it() {
        assert_eq!(root("app/0", "hooks/update-status"), "app/0: update-status event");
        assert_eq!(root("app/11", "actions/backup"), "app/11: backup event");
        assert_eq!(root("app/0", "bare"), "app/0: bare event");
    }

    #[test]
    fn a_type_is_named_without_its_path_and_arguments() {
        assert_eq!(short_type_name("my_charm::Charm"), "Charm");
        assert_eq!(short_type_name("alloc::vec::Vec<my_charm::Unit>"), "Vec");
        assert_eq!(short_type_name("u8"), "u8");
    }
}
