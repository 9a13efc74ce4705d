use std::process::ExitCode;

use spans::juju::Dispatch;

struct MyCharm {
    endpoint: Option<String>,
}

#[spans::trace_charm(tracing_endpoint = "endpoint", extra_types = [Workload])]
impl MyCharm {
    fn new(_: &Dispatch) -> Result<Self, String> {
        Ok(Self { endpoint: None })
    }

    fn handle(&mut self, _: &Dispatch) -> Result<(), String> {
        Ok(())
    }
}

struct Workload;

#[spans::trace_type]
impl Workload {
    fn start(&self) {}
}

#[spans::trace_fn]
fn function() {}

spans::traced_type! {
    struct Settings(Vec<String>);

    impl Settings {
        fn clear(&mut self);
    }
}

fn main() -> ExitCode {
    spans::run(MyCharm::new, MyCharm::handle)
}
