use std::process::ExitCode;

use charm_tracing::juju::Dispatch;
use charm_tracing::trace_charm;

struct MyCharm<'a> {
    dispatch: &'a Dispatch,
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl MyCharm<'_> {
    fn new(dispatch: &Dispatch) -> Result<MyCharm<'_>, String> {
        Ok(MyCharm { dispatch, endpoint: None })
    }

    fn handle(&mut self, _: &Dispatch) -> Result<(), String> {
        self.endpoint = Some(self.dispatch.event().to_owned());
        Ok(())
    }
}

fn main() -> ExitCode {
    charm_tracing::run(MyCharm::new, MyCharm::handle)
}
