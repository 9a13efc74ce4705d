//! The spans of `#[trace_type]` with its options, and where it may stand.
#![expect(clippy::unused_self, reason = "the methods are there for their signatures")]

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::future::Future;
use std::io;
use std::num::ParseIntError;
use std::pin::pin;
use std::process::{self, Output};
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
    let outline = spans.outline().to_string();
    assert_eq!(
        outline,
        "\
app/0: start event
  event: start
    method call: Db.query
      method call: Db.connect
    vacuum"
    );
    let query = spans.span("method call: Db.query");
    assert_eq!(
        query.attribute("code.function.name").unwrap(),
        "recorded::trace_type_options::PostgresConnection::query"
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

charm_tracing::traced_type! {
    /// Settings by name.
    #[derive(Debug, Default)]
    pub struct Settings(BTreeMap<String, String>);

    impl Settings {
        pub fn new() -> Self;
        pub fn insert(&mut self, key: String, value: String) -> Option<String>;
        fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&String>
        where
            String: std::borrow::Borrow<Q>;
        #[trace_fn(name = "settings: keys")]
        fn into_keys(self) -> impl Iterator<Item = String>;
    }
}

#[test]
fn the_listed_methods_of_a_foreign_type_have_spans() {
    let tree = recorded(|| {
        let mut settings = Settings::new();
        assert_eq!(settings.insert("port".into(), "80".into()), None);
        assert_eq!(settings.get("port").map(String::as_str), Some("80"));
        assert!(settings.contains_key("port"));
        settings.clear();
        let mut map = settings.into_inner();
        map.insert("host".into(), "::".into());
        assert!(Settings::from(map).into_keys().eq(["host"]));
    });
    assert_eq!(
        tree,
        "\
method call: BTreeMap.new
method call: BTreeMap.insert
method call: BTreeMap.get
settings: keys
"
    );
}

charm_tracing::traced_type! {
    /// A process to be.
    struct Process(process::Command);

    impl Process {
        fn new(program: impl AsRef<OsStr>) -> Self;
        fn arg<S: AsRef<OsStr>>(&mut self, argument: S) -> &mut Self;
        fn env(&mut self, key: &str, value: &str) -> &Self;
        fn output(&mut self) -> io::Result<Output>;
    }
}

#[test]
fn a_builder_returns_the_wrapper() {
    let tree = recorded(|| {
        let mut process = Process::new("echo");
        let output = process.arg("one").arg("two").output().unwrap();
        assert_eq!(output.stdout, b"one two\n");
        assert!(Process::new("/no/such/program").env("A", "B").get_program() == "/no/such/program");
        assert!(Process::new("/no/such/program").output().is_err());
    });
    assert_eq!(
        tree,
        "\
method call: Command.new
method call: Command.arg
method call: Command.arg
method call: Command.output
method call: Command.new
method call: Command.env
method call: Command.new
method call: Command.output [error: No such file or directory (os error 2)]
"
    );
}

charm_tracing::traced_type! {
    /// Whatever there is to do.
    #[derive(Clone)]
    #[traced(name = "Queue", crate = charm_tracing)]
    struct Waiting<'a, T: Display, const N: usize = 2>(VecDeque<(&'a str, [T; N])>)
    where
        T: Clone;

    impl<'a, V: Display + Clone, const M: usize> Waiting<'a, V, M> {
        fn with_capacity(capacity: usize) -> Self;
        fn push_back(&mut self, value: (&'a str, [V; M]));
        fn iter<'s>(&'s self) -> impl Iterator<Item = &'s (&'a str, [V; M])>;
        fn split_off(&mut self, at: usize) -> Self;
    }

    impl Waiting<'static, u8, 1> {
        fn front(&self) -> Option<&(&'static str, [u8; 1])>;
    }
}

#[test]
fn a_generic_type_may_have_several_blocks_and_a_name() {
    let tree = recorded(|| {
        let mut waiting = Waiting::with_capacity(1);
        waiting.push_back(("units", [1_u8]));
        assert_eq!(waiting.front(), Some(&("units", [1])));
        assert_eq!(waiting.clone().split_off(0).iter().count(), 1);
    });
    assert_eq!(
        tree,
        "\
method call: Queue.with_capacity
method call: Queue.push_back
method call: Queue.front
method call: Queue.split_off
method call: Queue.iter
"
    );
}

/// A trait of the type, with what else a result may be.
trait Dialing: Sized {
    async fn dial(port: &str) -> Result<Self, ParseIntError>;
    fn parent(&self) -> Option<Self>;
    fn into_inner(self) -> u16;
    fn encoded<T: From<u16>, const N: usize>(&self) -> [T; N];
    fn size<T>(&self) -> usize;
}

impl Dialing for u16 {
    async fn dial(port: &str) -> Result<Self, ParseIntError> {
        port.parse()
    }

    fn parent(&self) -> Option<Self> {
        self.checked_sub(1)
    }

    fn into_inner(self) -> u16 {
        self
    }

    fn encoded<T: From<u16>, const N: usize>(&self) -> [T; N] {
        std::array::from_fn(|_| T::from(*self))
    }

    fn size<T>(&self) -> usize {
        size_of::<T>()
    }
}

charm_tracing::traced_type! {
    #[derive(Debug, PartialEq)]
    struct Port(u16);

    impl Port {
        async fn dial(port: &str) -> Result<Self, ParseIntError>;
        fn parent(&self) -> Option<Self>;
        fn into_inner(self) -> u16;
        fn encoded<T: From<u16>, const N: usize>(&self) -> [T; N];
        fn size<T>(&self) -> usize;
        fn pow(self, exponent: u32) -> Self;
    }
}

#[test]
fn methods_of_traits_are_forwarded_and_results_are_wrapped() {
    let dial = |port| {
        let mut dialing = pin!(Port::dial(port));
        match dialing.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("nothing to wait for"),
        }
    };
    let tree = recorded(|| {
        assert!(dial("http").is_err());
        let port = dial("3").unwrap();
        assert_eq!(port.parent(), Some(Port(2)));
        assert_eq!(port.encoded::<u32, 2>(), [3, 3]);
        assert_eq!(port.size::<u64>(), 8);
        assert_eq!(port.pow(2).into_inner(), 9);
    });
    assert_eq!(
        tree,
        "\
method call: u16.dial [error: invalid digit found in string]
method call: u16.dial
method call: u16.parent
method call: u16.encoded
method call: u16.size
method call: u16.pow
method call: u16.into_inner
"
    );
}

/// Listing a type is checked while compiling: it may have several traced blocks, of its own and of traits.
#[trace_charm(tracing_endpoint = "endpoint", extra_types = [PostgresConnection, Total, Sidecar<u8>, Settings, Process, Waiting<'static, u8>, Port])]
#[expect(dead_code, reason = "it is there to compile")]
struct MyCharm {
    endpoint: Option<String>,
}
