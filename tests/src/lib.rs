//! A small Juju and an OTLP collector.
