//! What `#[trace_type]` records with its options, and where it may stand.
#![expect(clippy::unused_self, reason = "the methods are there for their signatures")]

use std::fmt::{self, Display};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use charm_tracing::{trace_charm, trace_fn, trace_type};
use tests::recording::{recorded, spans_of};

struct PostgresConnection;

#[trace_type(name = "Db")]
impl PostgresConnection {
    fn query(&self) -> Result<u8, String> {
        self.connect();
        Err("no such table".into())
    }

    fn connect(&self) {}

    #[trace_fn(name = "vacuum")]
    fn vacuum(&self) {}
}

#[trace_type(only(start, r#async))]
impl PostgresConnection {
    fn start(&self) -> u8 {
        Self::port() + self.r#async() + Self::LIMIT
    }

    fn port() -> u8 {
        default_port()
    }

    fn r#async(&self) -> u8 {
        2
    }

    const LIMIT: u8 = 3;
}

#[trace_fn]
fn default_port() -> u8 {
    1
}

#[test]
fn a_block_may_call_its_type_something_else() {
    let spans = spans_of(|| {
        assert!(PostgresConnection.query().is_err());
        PostgresConnection.vacuum();
    });
    let outline = tests::tree::names(&spans);
    assert_eq!(
        outline,
        "\
app/0: start event
  event: start
    method call: Db.query
      method call: Db.connect
    vacuum"
    );
    let query = spans.iter().find(|span| span.span.name == "method call: Db.query").unwrap();
    assert_eq!(
        query.attribute("code.function.name").as_deref(),
        Some("trace_type_options::PostgresConnection::query")
    );
}

#[test]
fn only_the_methods_that_are_named_have_spans() {
    let tree = recorded(|| {
        assert_eq!(PostgresConnection.start(), 6);
    });
    assert_eq!(
        tree,
        "\
method call: PostgresConnection.start
  function call: default_port
  method call: PostgresConnection.async
"
    );
}

#[trace_type(skip(quiet))]
trait Service {
    const NAME: &'static str;

    fn port(&self) -> u8;

    fn start(&self) -> Result<String, fmt::Error> {
        self.quiet();
        Ok(format!("{} on {}", Self::describe(), self.port()))
    }

    fn describe() -> &'static str {
        Self::NAME
    }

    fn quiet(&self) {}

    #[trace_fn(name = "service: stop")]
    fn stop(&self) {}

    fn restart(&self) -> impl Future<Output = u8> {
        self.stop();
        async { self.port() }
    }
}

struct Workload;

impl Service for Workload {
    const NAME: &'static str = "workload";

    fn port(&self) -> u8 {
        80
    }
}

struct Sidecar<T>(T);

#[trace_type]
impl<T: Display> Service for Sidecar<T> {
    const NAME: &'static str = "sidecar";

    fn port(&self) -> u8 {
        81
    }

    fn start(&self) -> Result<String, fmt::Error> {
        Ok(self.0.to_string())
    }
}

#[test]
fn methods_with_a_body_in_a_trait_are_named_for_the_type_that_uses_them() {
    let tree = recorded(|| {
        assert_eq!(Workload.start().as_deref(), Ok("workload on 80"));
        assert_eq!(Sidecar("envoy").start().as_deref(), Ok("envoy"));
        assert_eq!(Sidecar::<u8>::describe(), "sidecar");
        Sidecar(1).stop();
        let mut restart = pin!(Workload.restart());
        assert_eq!(restart.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(80));
    });
    assert_eq!(
        tree,
        "\
method call: Workload.start
  method call: Workload.describe
method call: Sidecar.start
method call: Sidecar.describe
service: stop
method call: Workload.restart
  service: stop
"
    );
}

#[trace_type(name = "Probe", only(check))]
trait Health {
    fn check(&self) -> bool {
        self.deep_check()
    }

    fn deep_check(&self) -> bool {
        true
    }
}

impl Health for Workload {}

#[test]
fn a_trait_may_name_its_spans_and_choose_them() {
    let tree = recorded(|| assert!(Workload.check()));
    assert_eq!(tree, "method call: Probe.check\n");
}

/// Parameters that only the trait determines.
#[derive(Debug, PartialEq)]
struct Total(usize);

#[trace_type]
impl<T: Into<usize>> FromIterator<T> for Total {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().map(|value| Self::from(value).0).sum())
    }
}

#[trace_type]
impl<T: Into<usize>> From<T> for Total {
    fn from(value: T) -> Self {
        Self(value.into())
    }
}

#[trace_type]
impl<const N: usize> PartialEq<[u8; N]> for Total {
    fn eq(&self, _: &[u8; N]) -> bool {
        self.0 == N
    }
}

#[test]
fn a_block_with_parameters_of_its_trait_is_traced() {
    let tree = recorded(|| {
        let total: Total = [1_u8, 2].into_iter().collect();
        assert_eq!(total, [0_u8; 3]);
    });
    assert_eq!(
        tree,
        "\
method call: Total.from_iter
  method call: Total.from
  method call: Total.from
method call: Total.eq
"
    );
}

/// Listing a type is checked while compiling: it may have several traced blocks, of its own and of traits.
#[trace_charm(tracing_endpoint = "endpoint", extra_types = [PostgresConnection, Total, Sidecar<u8>])]
#[expect(dead_code, reason = "it is there to compile")]
struct MyCharm {
    endpoint: Option<String>,
}
