//! The examples of `docs/guide` are tests: `cargo test -p tests-guide --doc` compiles them, and runs those that are not marked
//! `no_run`.
//!
//! A new page needs a line here; `tests/documents.rs` fails if it has none.

#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/guide/add-to-a-charm.md")]
    mod add_to_a_charm {}
    #[doc = include_str!("../../../docs/guide/async.md")]
    mod r#async {}
    #[doc = include_str!("../../../docs/guide/exporters.md")]
    mod exporters {}
    #[doc = include_str!("../../../docs/guide/first-charm.md")]
    mod first_charm {}
    #[doc = include_str!("../../../docs/guide/from-python.md")]
    mod from_python {}
    #[doc = include_str!("../../../docs/guide/https.md")]
    mod https {}
    #[doc = include_str!("../../../docs/guide/logs-and-tracing.md")]
    mod logs_and_tracing {}
    #[doc = include_str!("../../../docs/guide/machine-charms.md")]
    mod machine_charms {}
    #[doc = include_str!("../../../docs/guide/own-main.md")]
    mod own_main {}
    #[doc = include_str!("../../../docs/guide/processes-and-requests.md")]
    mod processes_and_requests {}
    #[doc = include_str!("../../../docs/guide/see-traces.md")]
    mod see_traces {}
    #[doc = include_str!("../../../docs/guide/testing.md")]
    mod testing {}
    #[doc = include_str!("../../../docs/guide/troubleshooting.md")]
    mod troubleshooting {}
}
