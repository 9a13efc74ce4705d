use super::*;

fn enabled(logger: &Filtered, target: &str) -> bool {
    logger.enabled(&Metadata::builder().target(target).level(log::Level::Debug).build())
}

#[test]
fn lines_of_tracing_itself_are_left_out_unless_the_filter_names_the_crate() {
    let (logger, level) = JujuLogger::new("debug").filtered(None);
    assert_eq!(level, LevelFilter::Debug);
    assert!(enabled(&logger, "my_charm::db") && enabled(&logger, "charm_tracing_demo"));
    for target in ["charm_tracing::session", "tracing_relation", "ureq::run", "ureq_proto", "rustls::conn"] {
        assert!(!enabled(&logger, target), "{target}");
    }
    let (logger, _) = JujuLogger::new("info, ureq=debug,charm_tracing::session=debug").filtered(None);
    assert!(enabled(&logger, "ureq::run") && enabled(&logger, "charm_tracing::session"));
    assert!(!enabled(&logger, "rustls::conn") && !enabled(&logger, "my_charm"));
}

#[test]
fn rust_log_replaces_the_filter_unless_it_is_empty() {
    let level = |rust_log| JujuLogger::new("info").filtered(rust_log).1;
    assert_eq!([level(Some("trace")), level(Some("")), level(None)], {
        [LevelFilter::Trace, LevelFilter::Info, LevelFilter::Info]
    });
}

#[test]
fn a_filter_that_cannot_be_read_is_info() {
    let (logger, level) = JujuLogger::new("my_charm=loud").filtered(None);
    assert_eq!(level, LevelFilter::Info);
    let complaint = logger.complaint.expect("a complaint");
    assert!(
        complaint.starts_with("cannot read the log filter \"my_charm=loud\", so it is `info`: "),
        "{complaint}"
    );
}
