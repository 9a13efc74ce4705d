use super::Failure;
use super::probe::*;

macro_rules! failure {
    ($value:expr) => {{
        let value = $value;
        let failure: Option<Failure> = (&&&&&&&Returned(&value)).__failure();
        failure.map(|failure| (failure.message, failure.trace))
    }};
}

#[derive(Debug)]
struct Debuggable;

#[derive(Debug, thiserror::Error)]
#[error("cannot start the workload")]
struct Outer(#[source] std::io::Error);

struct Mute;

#[test]
fn an_error_tells_its_text_and_its_causes_in_a_box_and_without() {
    let outer = || Outer(std::io::Error::other("disk on fire"));
    let boxed: Result<(), Box<dyn std::error::Error + Send + Sync>> = Err(Box::new(outer()));
    for told in [failure!(Err::<(), _>(outer())), failure!(boxed)] {
        let (message, trace) = told.unwrap();
        assert_eq!(message.as_deref(), Some("cannot start the workload"));
        assert_eq!(trace.as_deref(), Some("Caused by:\n    disk on fire"));
    }
}

#[test]
fn the_type_inside_of_a_report_is_named_if_it_is_known() {
    let kind = |error: anyhow::Error| {
        let failed: Result<(), _> = Err(error);
        (&&&&&&&Returned(&failed)).__failure().unwrap().kind
    };
    assert_eq!(kind(std::io::Error::other("disk on fire").into()), "std::io::error::Error");
    assert_eq!(kind(Outer(std::io::Error::other("disk on fire")).into()), "anyhow::Error");
    assert_eq!(kind(anyhow::anyhow!("no config")), "anyhow::Error");
}

#[test]
fn an_error_in_a_box_may_borrow() {
    fn boxed<'a>(name: &'a str) -> Result<(), Box<dyn std::error::Error + Send + Sync + 'a>> {
        #[derive(Debug, thiserror::Error)]
        #[error("no unit {0}")]
        struct NoUnit<'a>(&'a str);
        Err(Box::new(NoUnit(name)))
    }
    let name = String::from("app/0");
    assert_eq!(failure!(boxed(&name)), Some((Some("no unit app/0".to_owned()), None)));
}

#[test]
fn a_string_tells_itself() {
    assert_eq!(failure!(Err::<(), _>("no config")), Some((Some("no config".to_owned()), None)));
}

#[test]
fn an_error_without_display_is_debugged() {
    assert_eq!(failure!(Err::<(), _>(Debuggable)), Some((Some("Debuggable".to_owned()), None)));
}

#[test]
fn an_error_that_cannot_be_shown_is_still_a_failure() {
    fn generic<E>(error: E) -> Option<(Option<String>, Option<String>)> {
        failure!(Err::<(), E>(error))
    }
    assert_eq!(failure!(Err::<(), _>(Mute)), Some((None, None)));
    assert_eq!(generic("unknown to the generic function"), Some((None, None)));
}

#[test]
fn success_and_other_types_are_no_failure() {
    assert_eq!(failure!(Ok::<(), Mute>(())), None);
    assert_eq!(failure!(Some(Mute)), None);
    assert_eq!(failure!(None::<Mute>), None);
    assert_eq!(failure!(()), None);
}

#[test]
fn a_display_that_panics_costs_only_the_text() {
    struct Bomb;
    impl std::fmt::Display for Bomb {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("in Display")
        }
    }
    assert_eq!(failure!(Err::<(), _>(Bomb)), Some((None, None)));
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    let error: Result<(), String> = Err("ä".repeat(10_000));
    let (message, _) = failure!(error).unwrap();
    let message = message.unwrap();
    assert!(message.len() <= 8 * 1024 + '…'.len_utf8(), "{} bytes", message.len());
    assert!(message.ends_with("ä…"));
}
