//! A process that has a propagator keeps it. It is a global of the process, so this test has one to itself.

use charm_tracing::juju::Dispatch;
use charm_tracing::{Config, Session};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::{Context, global};

#[derive(Debug)]
struct Own([String; 1]);

impl TextMapPropagator for Own {
    fn inject_context(&self, _: &Context, _: &mut dyn Injector) {}

    fn extract_with_context(&self, context: &Context, _: &dyn Extractor) -> Context {
        context.clone()
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.0)
    }
}

#[test]
fn a_propagator_that_the_charm_has_set_stays() {
    let fields = || {
        global::get_text_map_propagator(|propagator| {
            propagator.fields().map(str::to_owned).collect::<Vec<_>>()
        })
    };
    let directory = tempfile::tempdir().expect("a directory");
    let dispatch = Dispatch::from_vars([
        ("JUJU_UNIT_NAME", "app/0"),
        ("JUJU_MODEL_NAME", "m"),
        ("JUJU_MODEL_UUID", "u"),
        ("JUJU_DISPATCH_PATH", "hooks/start"),
    ]);
    let config = || Config::new().buffer_path(directory.path().join("queue"));
    global::set_text_map_propagator(Own(["x-own".to_owned()]));
    drop(Session::start(dispatch.clone(), config()));
    assert_eq!(fields(), ["x-own"]);
    // With OpenTelemetry's own default, which has no fields, that of the session is set.
    global::set_text_map_propagator(opentelemetry::trace::noop::NoopTextMapPropagator::new());
    drop(Session::start(dispatch, config()));
    assert_eq!(fields(), ["traceparent", "tracestate"]);
}
