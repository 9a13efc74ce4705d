use std::process::ExitCode;

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

    async fn handle(&mut self, _: &Dispatch) {
        self.endpoint = None;
    }
}

fn main() -> ExitCode {
    charm_tracing::run_async(block_on, MyCharm::new, MyCharm::handle)
}

fn block_on<F: Future>(_: F) -> F::Output {
    unreachable!()
}
