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
    assert_eq!(short_type_name("&mut my_charm::Charm"), "Charm");
    // Types that are declared in a method and in a function.
    assert_eq!(short_type_name("<my_charm::Charm as my_charm::Push<u8>>::push::Local"), "Local");
    assert_eq!(short_type_name("my_charm::run::{{closure}}::Local<u8>"), "Local");
}

#[test]
fn a_type_without_a_name_is_written_out() {
    assert_eq!(short_type_name("(my_charm::Unit, &alloc::vec::Vec<my_charm::Unit>)"), "(Unit, &Vec)");
    assert_eq!(short_type_name("[my_charm::Unit<u8>; 2]"), "[Unit; 2]");
    assert_eq!(short_type_name("*const my_charm::Unit"), "*const Unit");
    assert_eq!(short_type_name("fn(my_charm::Unit) -> my_charm::Unit"), "fn(Unit) -> Unit");
    assert_eq!(short_type_name("dyn my_charm::Push<my_charm::Unit> + core::marker::Send"), "dyn Push + Send");
}
