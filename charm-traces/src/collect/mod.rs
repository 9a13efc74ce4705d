//! A collector for development and CI: takes traces over OTLP/HTTP, prints and keeps them, and serves the page.

mod command;
mod expectations;
mod kept;
mod request;
mod server;

pub(crate) use command::collect;
