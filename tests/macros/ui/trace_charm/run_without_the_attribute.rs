use charm_tracing::juju::Dispatch;

struct MyCharm;

impl MyCharm {
    fn new(_: &Dispatch) -> Result<Self, String> {
        Ok(Self)
    }

    fn handle(&mut self, _: &Dispatch) -> Result<(), String> {
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    charm_tracing::run(MyCharm::new, MyCharm::handle)
}
