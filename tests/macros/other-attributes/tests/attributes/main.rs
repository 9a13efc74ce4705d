//! The attributes of other crates, above ours and below, by what they change.

mod contexts;
mod harnesses;
mod runtimes;

/// Returns the spans of `work`, as [`tests::recording::recorded`] does, without those of other threads: the harness runs functions of
/// these files meanwhile, which the attributes of other crates make tests of.
fn recorded(work: impl FnOnce()) -> String {
    let all = tests::recording::recorded(|| charm_tracing::event("own", work));
    let own = all.lines().skip_while(|line| *line != "event: own").skip(1);
    own.map_while(|line| line.strip_prefix("  ")).fold(String::new(), |text, line| text + line + "\n")
}
