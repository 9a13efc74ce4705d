//! Attributes in a package that gives `charm-tracing` another name.

use std::process::ExitCode;

use spans::juju::Dispatch;

struct MyCharm {
    endpoint: Option<String>,
}

#[spans::trace_charm(tracing_endpoint = "endpoint", crate = spans)]
impl MyCharm {
    fn new(_: &Dispatch) -> Result<Self, String> {
        Ok(Self { endpoint: None })
    }

    #[spans::trace_fn(name = "handle the event")]
    fn handle(&mut self, _: &Dispatch) -> Result<(), String> {
        self.endpoint = None;
        Ok(())
    }
}

#[test]
fn the_name_is_an_argument() {
    let _: fn() -> ExitCode = || spans::run(MyCharm::new, MyCharm::handle);
}

#[test]
fn without_the_argument_each_attribute_asks_for_it() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
