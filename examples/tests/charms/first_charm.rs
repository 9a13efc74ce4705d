//! The action that `docs/guide/first-charm.md` adds to the charm of the template, and the test of it there.

use charm_tracing::juju::Dispatch;
use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn new(_: &Dispatch) -> anyhow::Result<Self> {
        Ok(Self { endpoint: None })
    }

    #[expect(clippy::unused_self, reason = "it is the handler of the template, which has more events")]
    fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        match dispatch.event() {
            "greet_action" => Self::on_greet_action(dispatch),
            _ => Ok(()),
        }
    }

    fn on_greet_action(dispatch: &Dispatch) -> anyhow::Result<()> {
        let parameters: std::collections::BTreeMap<String, String> = dispatch.action_get()?;
        let name = parameters.get("name").map_or("you", String::as_str);
        dispatch.action_set([("greeting", format!("hello {name}"))])?;
        Ok(())
    }
}

mod tests {
    use charm_tracing::juju::testing::{HookContext, Model};
    use charm_tracing::testing;

    use super::*;

    #[test]
    fn greet_says_hello() {
        let juju = Model::new("my-charm/0");
        let bob = HookContext::action([("name", "Bob")].into_iter().collect());

        let played = testing::dispatch(&juju, "greet", bob, MyCharm::new, MyCharm::handle);

        assert_eq!(played.result, Ok(()));
        let greeting = juju.action_outcome().results.remove("greeting");
        assert_eq!(greeting.as_deref(), Some("hello Bob"), "{}", played.trace.outline());
    }
}
