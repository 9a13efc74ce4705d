//! `tokio::main`, `tokio::test`, `async_recursion` and `async_trait`: they change how a function waits.

use std::error::Error;
use std::fmt::Display;
use std::num::ParseIntError;

use async_recursion::async_recursion;
use async_trait::async_trait;
use charm_tracing::juju::Dispatch;
use charm_tracing::{trace_charm, trace_fn, trace_type};
use tests::futures::block_on;
use tokio::task::yield_now;

use crate::recorded;

#[derive(Debug, thiserror::Error)]
#[error("not a number")]
struct NotANumber(#[from] ParseIntError);

type Fallible<T> = Result<T, NotANumber>;

/// Defines a function with the attributes in one order and in the other, for each type that it may return.
macro_rules! orders {
    ($($function:ident: [$($attribute:meta),*];)*) => {
        $(orders!(@ $function ($(#[$attribute])*)
            anyhow: anyhow::Result<u8>,
            boxed: Result<u8, Box<dyn Error>>,
            boxed_send: Result<u8, Box<dyn Error + Send + Sync>>,
            own: Result<u8, NotANumber>,
            alias: Fallible<u8>,
        );)*
    };
    (@ $function:ident $attributes:tt $($name:ident: $output:ty,)*) => {
        mod $function {
            use super::*;
            $(orders!(@@ $attributes $name $output);)*
        }
    };
    (@@ ($($attributes:tt)*) $name:ident $output:ty) => {
        $($attributes)*
        pub(super) async fn $name(text: String) -> $output {
            yield_now().await;
            if text.is_empty() {
                return Ok(0);
            }
            let number = text.parse::<u8>()?;
            Ok(number)
        }
    };
}
orders! {
    main_below: [trace_fn, tokio::main(flavor = "current_thread")];
    main_above: [tokio::main(flavor = "current_thread"), trace_fn];
    recursion_below: [trace_fn, async_recursion(?Send)];
    recursion_above: [async_recursion(?Send), trace_fn];
}

const ONE_FAILURE_EACH: &str = "\
function call: anyhow
function call: anyhow [error: invalid digit found in string]
function call: boxed
function call: boxed [error: invalid digit found in string]
function call: boxed_send
function call: boxed_send [error: invalid digit found in string]
function call: own
function call: own [error: not a number]
function call: alias
function call: alias [error: not a number]
";

macro_rules! call_each {
    ($module:ident, $wait:expr) => {
        recorded(|| {
            assert_eq!($wait($module::anyhow(String::new())).unwrap(), 0);
            assert!($wait($module::anyhow("x".to_owned())).is_err());
            assert_eq!($wait($module::boxed(String::new())).unwrap(), 0);
            assert!($wait($module::boxed("x".to_owned())).is_err());
            assert_eq!($wait($module::boxed_send("0".to_owned())).unwrap(), 0);
            assert!($wait($module::boxed_send("x".to_owned())).is_err());
            assert_eq!($wait($module::own("0".to_owned())).unwrap(), 0);
            assert!($wait($module::own("x".to_owned())).is_err());
            assert_eq!($wait($module::alias("0".to_owned())).unwrap(), 0);
            assert!($wait($module::alias("x".to_owned())).is_err());
        })
    };
}

#[test]
fn tokio_main_on_either_side_leaves_one_span_with_one_error() {
    assert_eq!(call_each!(main_below, std::convert::identity), ONE_FAILURE_EACH);
    assert_eq!(call_each!(main_above, std::convert::identity), ONE_FAILURE_EACH);
}

#[test]
fn async_recursion_on_either_side_leaves_one_span_with_one_error() {
    assert_eq!(call_each!(recursion_below, block_on), ONE_FAILURE_EACH);
    assert_eq!(call_each!(recursion_above, block_on), ONE_FAILURE_EACH);
}

/// Functions that return no `Result`, or a type without a name.
mod other_results {
    use super::*;

    #[trace_fn]
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn nothing() {
        yield_now().await;
    }

    #[trace_fn]
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn option(text: &str) -> Option<u8> {
        yield_now().await;
        let number = text.parse().ok()?;
        Some(number)
    }

    #[trace_fn]
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn hidden() -> impl Display {
        yield_now().await;
        1
    }

    #[trace_fn]
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn partly_hidden(text: &str) -> Result<impl Display, Box<dyn Error>> {
        yield_now().await;
        Ok(text.parse::<u8>()?)
    }

    #[trace_fn]
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn collected(texts: &[&str]) -> Result<Vec<u8>, ParseIntError> {
        yield_now().await;
        texts.iter().map(|text| text.parse()).collect()
    }

    #[trace_fn]
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn borrowed(text: &str) -> &str {
        yield_now().await;
        text
    }

    #[trace_fn(attributes(sum = one + two, length = name.len()))]
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn with_attributes((one, two): (u8, u8), name: String) -> anyhow::Result<u8> {
        yield_now().await;
        drop(name);
        Ok(one + two)
    }
}

#[test]
fn tokio_main_below_may_return_anything() {
    use other_results::*;
    let trace = recorded(|| {
        nothing();
        assert_eq!((option("1"), option("x")), (Some(1), None));
        assert_eq!(hidden().to_string(), "1");
        assert_eq!(partly_hidden("1").unwrap().to_string(), "1");
        assert!(partly_hidden("x").is_err());
        assert_eq!(collected(&["1", "2"]), Ok(vec![1, 2]));
        assert!(collected(&["1", "x"]).is_err());
        assert_eq!(borrowed("a"), "a");
        assert_eq!(with_attributes((1, 2), "a".to_owned()).unwrap(), 3);
    });
    assert_eq!(
        trace,
        "\
function call: nothing
function call: option
function call: option
function call: hidden
function call: partly_hidden
function call: partly_hidden [error: invalid digit found in string]
function call: collected
function call: collected [error: invalid digit found in string]
function call: borrowed
function call: with_attributes
"
    );
}

struct Charm {
    endpoint: Option<String>,
}

#[trace_charm(tracing_endpoint = "endpoint")]
impl Charm {
    #[tokio::main(flavor = "current_thread")]
    async fn handle(&mut self, dispatch: &Dispatch) -> anyhow::Result<()> {
        self.endpoint = Some(dispatch.event().to_owned());
        self.wait().await?;
        Ok(())
    }

    async fn wait(&self) -> Result<(), ParseIntError> {
        yield_now().await;
        self.endpoint.as_deref().unwrap_or_default().parse::<u8>()?;
        Ok(())
    }

    #[async_recursion]
    async fn count(&self, down_from: u8) -> Result<u8, NotANumber> {
        if down_from == 0 {
            return Ok(self.endpoint.as_deref().unwrap_or_default().parse()?);
        }
        self.count(down_from - 1).await
    }
}

#[test]
fn methods_of_a_traced_block_may_have_them() {
    let trace = recorded(|| {
        let mut charm = Charm { endpoint: None };
        let dispatch =
            Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0"), ("JUJU_DISPATCH_PATH", "hooks/start")]);
        assert!(charm.handle(&dispatch).is_err());
        assert!(block_on(charm.count(1)).is_err());
    });
    assert_eq!(
        trace,
        "\
method call: Charm.handle [error: invalid digit found in string]
  method call: Charm.wait [error: invalid digit found in string]
method call: Charm.count [error: not a number]
  method call: Charm.count [error: not a number]
"
    );
}

#[async_trait]
trait Backend {
    async fn push(&self, text: String) -> anyhow::Result<usize>;
    async fn name(&self, prefix: &str) -> String;
}

struct Above;

#[trace_type]
#[async_trait]
impl Backend for Above {
    async fn push(&self, text: String) -> anyhow::Result<usize> {
        yield_now().await;
        Ok(text.parse::<usize>()?)
    }

    async fn name(&self, prefix: &str) -> String {
        yield_now().await;
        prefix.to_owned()
    }
}

struct Below;

#[async_trait]
#[trace_type]
impl Backend for Below {
    async fn push(&self, text: String) -> anyhow::Result<usize> {
        yield_now().await;
        Ok(text.parse::<usize>()?)
    }

    async fn name(&self, prefix: &str) -> String {
        yield_now().await;
        prefix.to_owned()
    }
}

struct Alone;

#[async_trait]
impl Backend for Alone {
    #[trace_fn]
    async fn push(&self, text: String) -> anyhow::Result<usize> {
        yield_now().await;
        Ok(text.parse::<usize>()?)
    }

    #[trace_fn(attributes(length = prefix.len()))]
    async fn name(&self, prefix: &str) -> String {
        yield_now().await;
        prefix.to_owned()
    }
}

#[test]
fn async_trait_on_either_side_leaves_one_span_with_one_error() {
    let trace = recorded(|| {
        for backend in [&Above as &dyn Backend, &Below, &Alone] {
            assert!(block_on(backend.push("x".to_owned())).is_err());
            assert_eq!(block_on(backend.name("a")), "a");
        }
    });
    assert_eq!(
        trace,
        "\
method call: Above.push [error: invalid digit found in string]
method call: Above.name
method call: Below.push [error: invalid digit found in string]
method call: Below.name
method call: Alone.push [error: invalid digit found in string]
method call: Alone.name
"
    );
}
