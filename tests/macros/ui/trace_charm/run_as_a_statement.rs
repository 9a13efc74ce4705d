#![deny(unused_must_use)]

use charm_tracing::juju::Dispatch;
use charm_tracing::trace_charm;

struct MyCharm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm {
    fn new(_: &Dispatch) -> Result<Self, String> {
        Ok(Self { endpoint: None })
    }

    fn handle(&mut self, _: &Dispatch) -> Result<(), String> {
        Err("the hook fails".to_owned())
    }
}

fn main() {
    charm_tracing::run(MyCharm::new, MyCharm::handle);
}
