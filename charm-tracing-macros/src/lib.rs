//! The attributes of `charm-tracing`, which re-exports them; their documentation assumes that crate.
//!
//! An attribute works in three steps. `args` parses the text in its parentheses and collects every mistake; `charm`,
//! `block` and `function` validate the item; `expand` writes the code. If a function also has attributes
//! of other crates, `last` lets `expand` run after them. `marker` writes what `extra_types` looks for; `foreign` and
//! `forward` write the wrapper of another crate's type.
//!
//! Generated code only calls `charm_tracing::__private`. An item with mistakes is emitted without spans, so that the
//! compiler reports only these mistakes. `tests/expand` shows the generated code.
//!
//! The guide in the repository shows the attributes in use in `docs/guide/add-to-a-charm.md`; `docs/reference/attributes.md` has all
//! arguments.

mod args;
mod block;
mod charm;
mod errors;
mod expand;
mod extra_types;
mod foreign;
mod forward;
mod function;
mod last;
mod lints;
mod marker;
mod names;
mod selection;
#[cfg(test)]
mod tests;
mod tokens;

use proc_macro::TokenStream;

/// Traces a charm: names where its traces go, and opens a span for every method call.
///
/// Put it on the charm's main `impl` block or on its `struct`. On the struct it only configures, and the `impl` blocks
/// need [`macro@trace_type`]. [`run`](../charm_tracing/fn.run.html) accepts any type that has it.
///
/// ```
/// use charm_tracing::{juju::Dispatch, trace_charm};
///
/// struct MyCharm {
///     endpoint: Option<String>,
/// }
///
/// #[trace_charm(tracing_endpoint = "endpoint")]
/// impl MyCharm {
///     fn new(_: &Dispatch) -> Result<Self, std::io::Error> {
///         Ok(Self { endpoint: Some("http://tempo:4318".into()) })
///     }
///     fn handle(&mut self, _: &Dispatch) -> Result<(), std::io::Error> {
///         Ok(())
///     }
/// }
///
/// fn main() -> std::process::ExitCode {
///     charm_tracing::run(MyCharm::new, MyCharm::handle)
/// }
/// ```
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `tracing_endpoint = "name"` | the method of this block, else the field, that holds the base URL of an OTLP/HTTP receiver, e.g. `http://tempo:4318`. Read after the event is handled | required |
/// | `server_cert = "name"` | the method or field that holds the CA certificates to trust at an `https` endpoint, as the absolute path of a PEM file, PEM text, or a [`Certificate`](../charm_tracing/enum.Certificate.html) | none: traces for an `https` endpoint stay in the buffer |
/// | `client_cert = "name"`, `client_key = "name"` | the methods or fields that hold the certificate that the charm shows to an `https` endpoint that asks for one (mutual TLS), and its private key; both or neither; each as the absolute path of a PEM file, PEM text, or a [`Pem`](../charm_tracing/enum.Pem.html); see [`ClientCertificate`](../charm_tracing/struct.ClientCertificate.html) | none is shown |
/// | `headers = "name"` | the method or field that holds headers for each request, such as a tenant or a token: a text `name=value,...` with percent-encoded values, or a list or map of pairs. They are never shown | none |
/// | `ca_relation = "receive-ca-cert"` | the endpoint in the charm's metadata that delivers CA certificates, interface `certificate_transfer`; for an `https` endpoint without a certificate | none |
/// | `service_name = "..."` | the resource attribute `service.name`; see [`Config`](../charm_tracing/struct.Config.html#method.service_name) for why it should end in `-charm` | `<application>-charm` |
/// | `charm_type = "..."` | the resource attribute of that name | the name of the type |
/// | `resource_attributes(key = expression, ...)` | further attributes of the resource; a key is `my.key` or `"my-key"` | none |
/// | `extra_types = [A, b::B]` | checks that these types have an `impl` block with `#[trace_type]`, of their own or of a trait | none |
/// | `buffer_max_events = 100` | how many dispatches are kept while no backend accepts them; 0 keeps none | 100 |
/// | `buffer_max_size_mib = 10` | the size limit of all waiting traces, in MiB; at least 10 | 10 |
/// | `buffer_path = "..."` | the directory in which traces wait, one file each, e.g. on a storage that outlives the pod | `.charm_tracing_buffer` in the charm directory |
/// | `max_bytes_per_trace = 4_500_000` | the size limit of the trace of one dispatch, in bytes; see [`Config`](../charm_tracing/struct.Config.html#method.max_bytes_per_trace) | 4,500,000 |
/// | `request_timeout = expression` | the `Duration` that one request to the backend may take | 1 s |
/// | `delivery_timeout = expression` | the `Duration` that one dispatch may spend on delivery | 2 s |
/// | `log = "info"` | a logger for the crate `log`, with the feature `log`: its filter in the style of `RUST_LOG`, or a [`JujuLogger`](../charm_tracing/struct.JujuLogger.html) | none |
/// | `span_exporters = [function, ...]` | functions that return a `SpanExporter` or a `SpanProcessor` of `opentelemetry_sdk`, or a `Result` of one, with the feature `sdk`: they get the spans beside the queue; see [`Config`](../charm_tracing/struct.Config.html#method.span_exporter) | none |
/// | `crate = path` | where `charm_tracing` is, if it is re-exported or has another name | `::charm_tracing` |
///
/// Methods and fields named here may be `String`, `&str`, `PathBuf`, `&Path`, and `Option` or `Result` of them; `None`
/// and `Err` count as no argument. A text for `server_cert` is PEM if it contains `-----BEGIN`, else a path. A text for
/// `client_cert` or `client_key` is a path if it is absolute and does not contain `-----BEGIN`, else PEM. On a struct,
/// a name is the field if there is one, else a method.
#[proc_macro_attribute]
pub fn trace_charm(args: TokenStream, item: TokenStream) -> TokenStream {
    charm::trace_charm(args.into(), &item.into()).into()
}

/// Opens a span for every call of every method of an `impl` block, inherent or of a trait.
///
/// The span is called `method call: <Type>.<method>`. On the definition of a trait, the attribute traces the methods
/// that have a body there; their spans have the name of the implementing type. [`macro@trace_fn`] explains when a span
/// ends and how; put it on a method to name the span or to add attributes. `const fn` methods get no span, because code
/// that may run at compile time cannot open one.
///
/// ```
/// struct Workload;
///
/// #[charm_tracing::trace_type(skip(version))]
/// impl Workload {
///     fn restart(&self) {}
///     fn version(&self) -> u8 { 3 }
/// }
/// # Workload.restart();
/// # assert_eq!(Workload.version(), 3);
/// ```
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `name = "Db"` | the type's name in spans: `method call: Db.<method>` | its name |
/// | `only(a, b)` | the methods that have spans | all |
/// | `skip(a, b)` | the methods that have no span; not together with `only` | none |
/// | `crate = path` | where `charm_tracing` is, if it is re-exported or has another name | `::charm_tracing` |
#[proc_macro_attribute]
pub fn trace_type(args: TokenStream, item: TokenStream) -> TokenStream {
    block::trace_type(args.into(), &item.into()).into()
}

/// Opens a span for every call of a function, or of one method.
///
/// The span is called `function call: <function>`, with a `self` argument `method call: <Type>.<method>`, or what
/// `name = "..."` says. `crate = path` says where `charm_tracing` is, if it is re-exported or has another name.
///
/// ```
/// #[charm_tracing::trace_fn]
/// fn render_config(units: usize) -> String {
///     format!("units = {units}")
/// }
/// # assert_eq!(render_config(3), "units = 3");
/// ```
///
/// `attributes(key = expression, ...)` puts attributes on the span. Keys are `my.key` or `"my-key"`. Expressions may
/// use the arguments, and are evaluated only if the span is recorded. Numbers, texts and `bool` keep their type, `None`
/// is left out, and anything else is written with its `Display`, else with its `Debug`.
///
/// ```
/// #[charm_tracing::trace_fn(attributes(config.units = units, "config.name" = name))]
/// fn write_config(name: &str, units: usize) -> usize {
///     name.len() * units
/// }
/// # assert_eq!(write_config("ab", 3), 6);
/// ```
///
/// `err = off` is for a function whose `Err` is a normal answer and not a failure, for example a lookup: the `Err` does
/// not mark the span as failed. A panic is still recorded.
///
/// ```
/// #[charm_tracing::trace_fn(err = off)]
/// fn find_unit<'a>(units: &[&'a str], name: &str) -> Result<&'a str, &'static str> {
///     units.iter().copied().find(|unit| unit.starts_with(name)).ok_or("there is none")
/// }
/// # assert_eq!(find_unit(&["app/0"], "app"), Ok("app/0"));
/// ```
///
/// Attributes of other crates, such as `#[tokio::main]`, `#[async_recursion]` or `#[context]`, may be above or below
/// it: the span belongs to the function that they produce, and records the error that the caller gets. Above
/// `#[rstest]` and `#[test_case]` the span belongs to the function itself, below them to the tests that they generate.
///
/// # When a span ends, and how
///
/// The span ends when the function returns. It is an error if the function returns an `Err` or panics. The error is
/// recorded with its text (`Display`, else `Debug`, else none). Its causes are recorded if it is a
/// [`std::error::Error`], or points to one as `anyhow::Error` does. If the function is `async`, or returns
/// `impl Future` or a boxed future, the span ends with the future and is current while the future is polled or dropped. A
/// future that is dropped before it ends has the status `cancelled`. The attribute changes nothing else: not the order
/// in which variables and arguments are dropped, not `Location::caller()`, not the compiler's errors about a mistake.
///
/// Limits of the attribute:
///
/// * A function with `#[track_caller]` has a span, but an `Err` that it returns does not mark that span as failed, and a
///   future that it returns is not part of it. To look at the result, the body would have to be a closure, and
///   `Location::caller()` in a closure is not the caller of the function. The span of a traced caller that passes the
///   error on records it. A panic is recorded.
/// * In the block of a trait, and for a method of a block without an attribute, the compiler warns about
///   `unconditional_recursion` only if the body has no `return`, no `?` and no macro. Otherwise the body is a closure,
///   where the compiler does not look, because the call may be that of another method with the same name.
/// * If an error type has a lifetime, or a type parameter without a lifetime bound, only its text is recorded and not
///   its causes, because the type may be an error only where it is `'static`. If that is so, an alias that hides such a
///   lifetime does not compile: write the lifetime, `Answer<'_>` for `Answer`, or `err = off`. A boxed future of such a
///   type parameter ends its span when it is returned.
/// * A traced `async fn` is one future inside another, because its span has to be current whenever it is polled. Where
///   the compiler has to check that a future is `Send`, 14 traced ones may be nested (31 without the attribute); for
///   more it asks for a higher `#![recursion_limit]`. Recursion takes about 200 bytes of stack more per call in a debug
///   build.
/// * If a function can neither fail nor return a future, or always calls a function of its own name, its arguments are
///   dropped after its span ends.
/// * `const fn` is refused, because code that may run at compile time cannot open a span.
#[proc_macro_attribute]
pub fn trace_fn(args: TokenStream, item: TokenStream) -> TokenStream {
    function::trace_fn(&args.into(), &item.into()).into()
}

/// Traces a type of another crate: wraps it, and opens a span for every call of the methods that are listed.
///
/// ```
/// charm_tracing::traced_type! {
///     /// Settings by name.
///     #[derive(Debug, Default)]
///     pub struct Settings(std::collections::BTreeMap<String, String>);
///
///     impl Settings {
///         pub fn insert(&mut self, key: String, value: String) -> Option<String>;
///         pub fn remove(&mut self, key: &str) -> Option<String>;
///     }
/// }
///
/// let mut settings = Settings::default();
/// settings.insert("port".into(), "8080".into());
/// assert_eq!(settings.get("port").unwrap(), "8080");
/// settings.remove("port");
/// ```
///
/// records, in a session,
///
/// ```text
/// method call: BTreeMap.insert
/// method call: BTreeMap.remove
/// ```
///
/// The struct, and the attributes and documentation of the methods, stay as they are written. The struct dereferences
/// to the wrapped type, so every other method can be called as well, without a span. It implements `From` that type,
/// and `into_inner` returns it. It may be listed in `extra_types`.
///
/// * A method is called on the field as `self.0.method(...)`, so a method of a trait in scope can be listed as well; a
///   function without `self` is called as `<Type>::function(...)`.
/// * The result may be `Self`, `Option<Self>` or `Result<Self, E>` if the type's own method returns the type, and
///   `&Self` or `&mut Self` if the method returns its receiver, as a builder does. `Self` in any other place is an
///   error.
/// * An `async fn` is awaited. A `const fn` and an `unsafe fn` cannot be listed.
///
/// | `#[traced(...)]` on the struct | meaning | default |
/// |---|---|---|
/// | `name = "Db"` | the type's name in spans | its name |
/// | `crate = path` | where `charm_tracing` is, if it is re-exported or has another name | `::charm_tracing` |
#[proc_macro]
pub fn traced_type(input: TokenStream) -> TokenStream {
    foreign::traced_type(input.into()).into()
}
