use super::*;

fn shown_of(line: &str) -> String {
    let mut words = line.split(' ').map(str::to_owned);
    let tool = words.next().unwrap();
    shown(&tool, &words.collect::<Vec<_>>()).join(" ")
}

#[test]
fn what_is_asked_for_is_shown() {
    assert_eq!(
        shown_of("relation-get --format=json -r tracing:3 --app - tempo"),
        "--format=json -r tracing:3 --app - tempo"
    );
    assert_eq!(shown_of("is-leader --format=json"), "--format=json");
    assert_eq!(shown_of("secret-get secret:abc --label db"), "secret:abc --label db");
    assert_eq!(shown_of("secret-info-get --format=json --label=db"), "--format=json --label=db");
    assert_eq!(shown_of("open-port -- 8000-8010/tcp"), "-- 8000-8010/tcp");
    assert_eq!(shown_of("close-port -- icmp"), "-- icmp");
    assert_eq!(shown_of("opened-ports --format=json"), "--format=json");
    assert_eq!(shown_of("goal-state --format=json"), "--format=json");
    assert_eq!(shown_of("resource-get -- image"), "-- image");
}

#[test]
fn what_is_written_is_not_shown() {
    assert_eq!(shown_of("relation-set -r 3 --app receivers=[\"otlp_http\"]"), "-r 3 --app receivers");
    assert_eq!(shown_of("relation-set -r 3 --app --file -"), "-r 3 --app --file -");
    assert_eq!(shown_of("secret-add password=hunter2 key#base64=aHVudGVy --label=db"), "password key");
    assert_eq!(shown_of("status-set --application=False active -- all is well"), "active");
    assert_eq!(shown_of("status-set --application=true active -- all is well"), "active");
    assert_eq!(shown_of("state-set token=abc"), "token");
    assert_eq!(shown_of("state-set --file=-"), "--file=-");
    assert_eq!(shown_of("action-set -- token=abc size.bytes=3=4 hunter2"), "token size.bytes");
    assert_eq!(shown_of("application-version-set -- 1.2"), "");
}

#[test]
fn a_message_is_never_taken_for_something_else() {
    let shown =
        |tool: &str, args: &[&str]| shown(tool, &args.iter().map(ToString::to_string).collect::<Vec<_>>());
    let nothing: [&str; 0] = [];
    assert_eq!(shown("action-fail", &["the admin password is hunter2 (code=3)"]), nothing);
    assert_eq!(shown("action-log", &["- token hunter3"]), nothing);
    assert_eq!(shown("status-set", &["active", "token hunter4 #1 a=b"]), ["active"]);
    assert_eq!(shown("secret-add", &["--description", "pw hunter5=1", "k=v"]), ["k"]);
    assert_eq!(shown("secret-set", &["hunter6 =x", "hunter7"]), nothing);
    for tool in ["tool-of-a-later-juju", "something-get"] {
        assert_eq!(shown(tool, &["a=b", "c"]), nothing, "{tool}");
    }
}
