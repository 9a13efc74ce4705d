//! The attributes of `charm-tracing`, which re-exports them; their documentation assumes that crate.
//!
//! The way of an attribute: `args` parses what stands in its parentheses and collects every mistake, `charm`,
//! `block`, `definition` and `function` validate the item, `expand` writes the code, unless `last` has it written when
//! the attributes of other crates are done; `marker` writes what `extra_types` looks for, `foreign` and `forward` a
//! wrapper of another crate's type. Generated code is thin calls into
//! `charm_tracing::__private`; an item with mistakes is emitted all the same, so that they stay the only errors. What
//! is written can be read in `tests/expand`.

mod args;
mod block;
mod charm;
mod definition;
mod errors;
mod expand;
mod foreign;
mod forward;
mod function;
mod last;
mod lints;
mod manifest;
mod marker;
mod names;
mod selection;
mod similar;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Traces a charm: names where its traces go, and opens a span for every method call.
///
/// Put it on the charm's main `impl` block, or on its `struct`; there it only configures, and the `impl` blocks take
/// [`macro@trace_type`]. [`run`](../charm_tracing/fn.run.html) takes any type that has it.
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
/// | `tracing_endpoint = "name"` | the method of this block, else the field, that holds the base URL of an OTLP/HTTP receiver, e.g. `http://tempo:4318`. Read when the event has been handled | required |
/// | `server_cert = "name"` | likewise: whom to trust at an `https` endpoint, as the absolute path of a PEM file, PEM text, or a [`Certificate`](../charm_tracing/enum.Certificate.html) | none: traces for an `https` endpoint are kept in the buffer |
/// | `client_cert = "name"`, `client_key = "name"` | likewise, both or neither: the certificate that the charm shows to an `https` endpoint that asks for one (mutual TLS), and its private key, each as the absolute path of a PEM file, PEM text, or a [`Pem`](../charm_tracing/enum.Pem.html); see [`ClientCertificate`](../charm_tracing/struct.ClientCertificate.html) | none is shown |
/// | `ca_relation = "receive-ca-cert"` | the endpoint in the charm's metadata over which CA certificates come, interface `certificate_transfer`; for an `https` endpoint without a certificate | none |
/// | `service_name = "..."` | the resource attribute `service.name` | `<application>-charm` |
/// | `extra_types = [A, b::B]` | checks that these types have an `impl` block with `#[trace_type]`, of their own or of a trait | none |
/// | `buffer_max_events = 100` | how many dispatches are kept while no backend takes them; 0 keeps none | 100 |
/// | `buffer_max_size_mib = 10` | how many MiB they may have together; at least 10 | 10 |
/// | `buffer_path = "..."` | the directory in which traces wait, one file each, e.g. on a storage that outlives the pod | `.charm_tracing_buffer` in the charm directory |
/// | `max_bytes_per_trace = 4_500_000` | how many bytes the trace of one dispatch may have; see [`Config`](../charm_tracing/struct.Config.html#method.max_bytes_per_trace) | 4,500,000 |
/// | `crate = path` | where `charm_tracing` is, if it is re-exported | `::charm_tracing` |
///
/// Methods and fields named here may be `String`, `&str`, `PathBuf`, `&Path`, and `Option` or `Result` of them, of which
/// `None` and `Err` are as good as no argument. A text for `server_cert` is PEM if `-----BEGIN` is anywhere in it, and a path
/// otherwise; one for `client_cert` or `client_key` is PEM unless it is an absolute path without that. On a struct, a name is the
/// field if there is one, else a method.
#[proc_macro_attribute]
pub fn trace_charm(args: TokenStream, item: TokenStream) -> TokenStream {
    charm::trace_charm(args.into(), item.into()).into()
}

/// Opens a span for every call of every method of an `impl` block, inherent or of a trait.
///
/// The span is called `method call: <Type>.<method>`. On the definition of a trait, the methods with a body there have
/// spans, called for the type that uses them. [`macro@trace_fn`] says when a span ends, and how; on a method it names the
/// span or adds attributes. `const fn` methods are left alone: what may run while compiling cannot open a span.
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
/// | `name = "Db"` | what the spans call the type: `method call: Db.<method>` | its name |
/// | `only(a, b)` | the methods that have spans | all |
/// | `skip(a, b)` | the methods that have none; not together with `only` | none |
/// | `crate = path` | where `charm_tracing` is, if it is re-exported | `::charm_tracing` |
#[proc_macro_attribute]
pub fn trace_type(args: TokenStream, item: TokenStream) -> TokenStream {
    block::trace_type(args.into(), item.into()).into()
}

/// Opens a span for every call of a function, or of one method.
///
/// The span is called `function call: <function>`, with a `self` argument `method call: <Type>.<method>`, or what
/// `name = "..."` says. `crate = path` says where `charm_tracing` is, if it is re-exported.
///
/// ```
/// #[charm_tracing::trace_fn]
/// fn render_config(units: usize) -> String {
///     format!("units = {units}")
/// }
/// # assert_eq!(render_config(3), "units = 3");
/// ```
///
/// `attributes(key = expression, ...)` puts attributes on the span. Keys are `my.key` or `"my-key"`; expressions may use
/// the arguments, and are evaluated only for a span that is recorded. Numbers, texts and `bool` are recorded as they
/// are, `None` is left out, anything else is shown by its `Display`, else by its `Debug`.
///
/// ```
/// #[charm_tracing::trace_fn(attributes(config.units = units, "config.name" = name))]
/// fn write_config(name: &str, units: usize) -> usize {
///     name.len() * units
/// }
/// # assert_eq!(write_config("ab", 3), 6);
/// ```
///
/// `err = off` is for a function whose `Err` is an answer and not a failure, as that of a lookup may be: its span does not
/// fail by it. A panic is recorded all the same.
///
/// ```
/// #[charm_tracing::trace_fn(err = off)]
/// fn find_unit<'a>(units: &[&'a str], name: &str) -> Result<&'a str, &'static str> {
///     units.iter().copied().find(|unit| unit.starts_with(name)).ok_or("there is none")
/// }
/// # assert_eq!(find_unit(&["app/0"], "app"), Ok("app/0"));
/// ```
///
/// Attributes of other crates may stand above it or below, as `#[tokio::main]`, `#[async_recursion]` or `#[context]` do:
/// the span is that of the function which they make, and has the error that the caller gets. Below `#[rstest]` and
/// `#[test_case]` it is written for the tests that those make, above them for the function itself.
///
/// # When a span ends, and how
///
/// When the function returns, and as an error when it returns an `Err` or panics. The error is recorded with its text
/// (`Display`, else `Debug`, else none) and its causes, if it is a [`std::error::Error`] or points to one as
/// `anyhow::Error` does. The span of a future is current while that is polled or dropped, whether the function is
/// `async`, returns `impl Future` or a boxed one, and ends with it; a future that is dropped half-way has the status
/// `cancelled`. Nothing else changes: the order in which variables and arguments are dropped, what `Location::caller()`
/// is, what the compiler says about a mistake.
///
/// What the attribute has to leave out:
///
/// * In a function with `#[track_caller]`, which has to stay a function, an error that a macro returns from within the
///   body is not recorded.
/// * Of an error type with a lifetime or a type parameter that is not known to outlive anything, the causes are not
///   recorded, only its text: it may be an error only where it is `'static`. If that is so, an alias which hides such a
///   lifetime does not compile; write it, `Answer<'_>` for `Answer`, or `err = off`. A boxed future of such a type parameter ends its span
///   when it is returned.
/// * A traced `async fn` is two futures in each other, since its span has to be current whenever it is polled. Where the
///   compiler has to find out whether one is `Send`, 14 of them may be nested (31 without the attribute); beyond that it
///   asks for a higher `#![recursion_limit]`. Recursion takes about 200 bytes of stack more per call in a debug build.
/// * The arguments of a function that can neither fail nor returns a future are dropped after its span.
/// * `const fn` is refused: what may run while compiling cannot open a span.
#[proc_macro_attribute]
pub fn trace_fn(args: TokenStream, item: TokenStream) -> TokenStream {
    function::trace_fn(&args.into(), item.into()).into()
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
/// The struct stays as it is written, and so do the attributes and the documentation of the methods. It dereferences to
/// the type in it, so every other method is there too, without a span; it is made `From` that type, and `into_inner`
/// gives it back. It may be listed in `extra_types`.
///
/// * A method is called on the field as `self.0.method(...)`, so a method of a trait in scope can be listed, too; a
///   function without `self` is called as `<Type>::function(...)`.
/// * The result may be `Self`, `Option<Self>` or `Result<Self, E>` where the type's own method returns the type, and
///   `&Self` or `&mut Self` where it returns what it was called on, as a builder does. Elsewhere a `Self` is an error.
/// * An `async fn` is awaited. A `const fn` and an `unsafe fn` cannot be listed.
///
/// | `#[traced(...)]` on the struct | meaning | default |
/// |---|---|---|
/// | `name = "Db"` | what the spans call the type | its name |
/// | `crate = path` | where `charm_tracing` is, if it is re-exported | `::charm_tracing` |
#[proc_macro]
pub fn traced_type(input: TokenStream) -> TokenStream {
    foreign::traced_type(input.into()).into()
}
