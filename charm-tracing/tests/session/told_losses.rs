//! A trace reports the losses before it. If that trace does not arrive, the next one reports them again.

use charm_testing::collector::{Answer, Collector};
use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Destination, Session};

use super::take_turn;

#[test]
fn the_first_trace_that_arrives_tells_of_all_that_were_refused() {
    let _turn = take_turn();
    let directory = tempfile::tempdir().unwrap();
    let collector = Collector::start();
    let refuse = Answer::Status(400);
    collector.answer(Answer::Then(vec![refuse.clone(), refuse.clone(), refuse, Answer::Accept]));
    for refused in [1, 1, 1, 0] {
        let dispatch = Dispatch::from_vars([
            ("JUJU_UNIT_NAME", "app/0"),
            ("JUJU_DISPATCH_PATH", "hooks/start"),
            ("JUJU_MODEL_NAME", "testing"),
            ("JUJU_MODEL_UUID", "0d3bbd5f-9d24-4d24-8d45-9b8fd2ad4a2c"),
            ("JUJU_CHARM_DIR", directory.path().to_str().unwrap()),
        ]);
        let session = Session::start(dispatch, Config::new());
        assert_eq!(session.finish(Some(Destination::new(collector.endpoint(), None))).refused, refused);
    }
    let spans = collector.trace();
    let [root] = spans.spans() else { panic!("one trace of one span has arrived: {spans:?}") };
    let told = root.attribute("charm_tracing.refused_traces");
    assert_eq!(told.unwrap(), 3, "three were refused before the one that arrived");
}
