//! `fn_error_context::context`, which replaces the error of a function and looks at the arguments afterwards: the span
//! has the error that the caller gets.

use charm_tracing::{trace_fn, trace_type};
use fn_error_context::context;
use tests::futures::{block_on, once};

use crate::recorded;

mod below {
    use super::*;

    #[trace_fn]
    #[context("cannot read {text}")]
    pub(super) fn plain(text: &str) -> anyhow::Result<u8> {
        let number = text.parse()?;
        Ok(number)
    }

    #[trace_fn]
    #[context("cannot read {}", text)]
    pub(super) async fn waiting(text: &str) -> anyhow::Result<u8> {
        once().await;
        let number = text.parse()?;
        Ok(number)
    }
}

mod above {
    use super::*;

    #[context("cannot read {text}")]
    #[trace_fn]
    pub(super) fn plain(text: &str) -> anyhow::Result<u8> {
        let number = text.parse()?;
        Ok(number)
    }

    #[context("cannot read {}", text)]
    #[trace_fn]
    pub(super) async fn waiting(text: &str) -> anyhow::Result<u8> {
        once().await;
        let number = text.parse()?;
        Ok(number)
    }
}

struct Workload(u8);

#[trace_type]
impl Workload {
    #[context("cannot start in {}", self.0)]
    fn start(&mut self, text: &str) -> anyhow::Result<()> {
        self.0 = text.parse()?;
        Ok(())
    }

    #[context("cannot stop {} in {}", workload, self.0)]
    async fn stop(&mut self, workload: String) -> anyhow::Result<()> {
        once().await;
        self.0 = workload.parse()?;
        Ok(())
    }

    #[trace_fn(name = "into", attributes(length = path.len()))]
    #[context("cannot read {path}")]
    fn read(self, path: String) -> anyhow::Result<Vec<u8>> {
        let mut bytes = std::fs::read(&path)?;
        bytes.push(self.0);
        Ok(bytes)
    }
}

#[test]
fn the_context_on_either_side_leaves_one_span_with_one_error() {
    let trace = recorded(|| {
        let error = below::plain("x").unwrap_err();
        assert_eq!(error.to_string(), "cannot read x");
        assert_eq!(block_on(below::waiting("x")).unwrap_err().to_string(), "cannot read x");
        assert_eq!(above::plain("x").unwrap_err().to_string(), "cannot read x");
        assert_eq!(block_on(above::waiting("x")).unwrap_err().to_string(), "cannot read x");
        assert_eq!(above::plain("1").unwrap(), 1);
        let mut workload = Workload(7);
        assert_eq!(workload.start("x").unwrap_err().to_string(), "cannot start in 7");
        let stopped = block_on(workload.stop("x".to_owned()));
        assert_eq!(stopped.unwrap_err().to_string(), "cannot stop x in 7");
        assert_eq!(
            workload.read("/dev/null/x".to_owned()).unwrap_err().to_string(),
            "cannot read /dev/null/x"
        );
    });
    assert_eq!(
        trace,
        "\
function call: plain [error: cannot read x]
function call: waiting [error: cannot read x]
function call: plain [error: cannot read x]
function call: waiting [error: cannot read x]
function call: plain
method call: Workload.start [error: cannot start in 7]
method call: Workload.stop [error: cannot stop x in 7]
into [error: cannot read /dev/null/x]
"
    );
}
