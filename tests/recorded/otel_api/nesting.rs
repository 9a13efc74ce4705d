//! Whoever opens a span, it hangs below the one in which it is opened.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;

use charm_tracing::opentelemetry::trace::{
    FutureExt, SpanId, TraceContextExt, Tracer, get_active_span, mark_span_as_active,
};
use charm_tracing::opentelemetry::{Context, global};
use charm_tracing::{event, trace_fn, trace_type};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tests::futures::{block_on, once};
use tests::recording::spans_of;

use super::id;

/// Who opens the span of a node.
#[derive(Clone, Copy, Debug)]
enum Opens {
    Function,
    Method,
    AsyncFunction,
    ImplFuture,
    BoxedFuture,
    Event,
    InSpan,
    Active,
    Built,
}

/// How the node is come to from its parent.
#[derive(Clone, Copy, Debug)]
enum Way {
    Call,
    Closure,
    Thread,
    Future,
}

const OPENS: [Opens; 9] = [
    Opens::Function,
    Opens::Method,
    Opens::AsyncFunction,
    Opens::ImplFuture,
    Opens::BoxedFuture,
    Opens::Event,
    Opens::InSpan,
    Opens::Active,
    Opens::Built,
];
const WAYS: [Way; 4] = [Way::Call, Way::Closure, Way::Thread, Way::Future];

#[derive(Debug)]
struct Node {
    way: Way,
    opens: Opens,
    children: Vec<usize>,
    /// The span that was active in it.
    active: AtomicU64,
}

/// The first node is the event of the session.
struct Tree(Vec<Node>);

type Boxed<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Tree {
    /// Each node comes with the number of its parent, which is one before it.
    fn of(nodes: impl IntoIterator<Item = (Way, Opens, usize)>) -> Self {
        let node = |way, opens| Node { way, opens, children: Vec::new(), active: AtomicU64::new(0) };
        let mut tree = vec![node(Way::Call, Opens::Event)];
        for (way, opens, parent) in nodes {
            let this = tree.len();
            tree[parent].children.push(this);
            tree.push(node(way, opens));
        }
        Self(tree)
    }

    fn reach(&self, node: usize) {
        match self.0[node].way {
            Way::Call => self.open(node),
            Way::Closure => Some(node).into_iter().map(|node| self.open(node)).collect(),
            Way::Thread => {
                let context = Context::current();
                thread::scope(|scope| {
                    scope.spawn(|| {
                        let _current = context.attach();
                        self.open(node);
                    });
                });
            }
            Way::Future => {
                let later = async {
                    once().await;
                    self.open(node);
                    once().await;
                };
                let later = later.with_context(Context::current());
                thread::scope(|scope| {
                    scope.spawn(|| block_on(later));
                });
            }
        }
    }

    fn open(&self, node: usize) {
        let tracer = global::tracer("library");
        match self.0[node].opens {
            Opens::Function => function(self, node),
            Opens::Method => self.method(node),
            Opens::AsyncFunction => block_on(async_function(self, node)),
            Opens::ImplFuture => block_on(impl_future(self, node)),
            Opens::BoxedFuture => block_on(boxed_future(self, node)),
            Opens::Event => event("custom", || self.inside(node)),
            Opens::InSpan => tracer.in_span("in span", |_| self.inside(node)),
            Opens::Active => {
                let _active = mark_span_as_active(tracer.start("active"));
                self.inside(node);
            }
            Opens::Built => {
                let span = tracer.build_with_context(tracer.span_builder("built"), &Context::current());
                let context = Context::new().with_span(span);
                let current = context.clone().attach();
                self.inside(node);
                drop(current);
                context.span().end();
            }
        }
    }

    /// As a part of a future, if it is one.
    fn open_later(&self, node: usize) -> Boxed<'_> {
        match self.0[node].opens {
            Opens::AsyncFunction => Box::pin(async_function(self, node)),
            Opens::ImplFuture => Box::pin(impl_future(self, node)),
            Opens::BoxedFuture => boxed_future(self, node),
            _ => Box::pin(async move {
                once().await;
                self.reach(node);
            }),
        }
    }

    fn inside(&self, node: usize) {
        self.note(node);
        for child in &self.0[node].children {
            self.reach(*child);
            self.note(node);
        }
    }

    /// Its children are polled in turn.
    async fn inside_later(&self, node: usize) {
        self.note(node);
        once().await;
        self.note(node);
        let mut children: Vec<_> =
            self.0[node].children.iter().map(|child| self.open_later(*child)).collect();
        poll_fn(|task| {
            children.retain_mut(|child| child.as_mut().poll(task).is_pending());
            self.note(node);
            if children.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Checks that the same span is active whenever a node looks.
    fn note(&self, node: usize) {
        let span = get_active_span(|span| span.span_context().span_id());
        assert_eq!(Context::current().span().span_context().span_id(), span);
        let before = self.0[node].active.swap(number(span), Ordering::Relaxed);
        assert!(before == 0 || before == number(span), "another span is active in node {node}");
    }

    /// Runs it, and compares it with what has been recorded.
    fn check(self) {
        let spans = spans_of(|| self.inside(0));
        // And the root.
        assert_eq!(spans.len(), self.0.len() + 1);
        let recorded: std::collections::HashMap<_, _> =
            spans.iter().map(|span| (id(span.span_id), span)).collect();
        let active = |node: &Node| node.active.load(Ordering::Relaxed);
        for (number, node) in self.0.iter().enumerate() {
            assert!(recorded.contains_key(&active(node)), "the span of node {number} is not recorded");
            for child in &node.children {
                let parent = recorded[&active(&self.0[*child])];
                assert_eq!(
                    parent.parent_span_id.map(id),
                    Some(active(node)),
                    "node {child} is not below {number}"
                );
            }
        }
    }
}

fn number(span: SpanId) -> u64 {
    u64::from_be_bytes(span.to_bytes())
}

#[trace_fn]
fn function(tree: &Tree, node: usize) {
    tree.inside(node);
}

#[trace_fn]
async fn async_function(tree: &Tree, node: usize) {
    tree.inside_later(node).await;
}

#[trace_fn]
fn impl_future(tree: &Tree, node: usize) -> impl Future<Output = ()> + Send {
    tree.note(node);
    async move { tree.inside_later(node).await }
}

#[trace_fn]
fn boxed_future(tree: &Tree, node: usize) -> Boxed<'_> {
    tree.note(node);
    Box::pin(tree.inside_later(node))
}

#[trace_type]
impl Tree {
    fn method(&self, node: usize) {
        self.inside(node);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spans_hang_where_they_are_opened(
        nodes in prop::collection::vec((select(&WAYS[..]), select(&OPENS[..]), any::<Index>()), 1..40),
    ) {
        let place = |(number, (way, opens, parent)): (usize, (_, _, Index))| (way, opens, parent.index(number + 1));
        Tree::of(nodes.into_iter().enumerate().map(place)).check();
    }
}

#[test]
fn each_opens_spans_below_each() {
    let pairs = OPENS.iter().flat_map(|outer| OPENS.iter().map(move |inner| (*outer, *inner)));
    let nodes = pairs.enumerate().flat_map(|(pair, (outer, inner))| {
        [(Way::Call, outer, 0), (WAYS[pair % WAYS.len()], inner, 2 * pair + 1)]
    });
    Tree::of(nodes).check();
}

#[test]
fn they_nest_thousands_deep() {
    const DEPTH: usize = 3_000;
    let node = |parent| {
        // A thread for each would be none of ours to ask for.
        let way = if parent % 100 == 0 { Way::Thread } else { Way::Call };
        (way, OPENS[parent % OPENS.len()], parent)
    };
    on_a_large_stack(move || Tree::of((0..DEPTH).map(node)).check());
}

fn on_a_large_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(1 << 30).spawn(work).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
