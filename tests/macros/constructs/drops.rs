//! When locals and arguments are dropped: as without the attributes, whatever the function returns and however it is
//! left, with a session and without.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use tests::recording::{recorded, take_turn};

use tests::futures::{block_on, once, poll};

thread_local!(static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });

fn log(entry: &str) {
    LOG.with_borrow_mut(|log| log.push(entry.to_owned()));
}

/// Notes when it is dropped.
#[derive(Debug)]
struct Noisy(&'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        log(&format!("{} dropped", self.0));
    }
}

impl Noisy {
    fn look(&self) -> &'static str {
        log(&format!("{} looked at", self.0));
        self.0
    }
}

#[derive(Debug)]
struct Pair {
    left: Noisy,
    right: Noisy,
}

const fn pair() -> Pair {
    Pair { left: Noisy("left"), right: Noisy("right") }
}

/// Its parts are copied by a pattern, and it is dropped all the same.
struct Marked {
    number: u8,
}

impl Drop for Marked {
    fn drop(&mut self) {
        log("marked dropped");
    }
}

struct Wrapped(&'static str);

impl Drop for Wrapped {
    fn drop(&mut self) {
        log("wrapped dropped");
    }
}

/// One that nobody drops.
fn left_over() -> &'static Pair {
    Box::leak(Box::new(pair()))
}

/// Returns the notes that are made while `work` runs, and when its result is dropped.
fn noted<R>(work: impl FnOnce() -> R) -> Vec<String> {
    LOG.take();
    // One of the forms panics.
    drop(catch_unwind(AssertUnwindSafe(work)));
    LOG.take()
}

/// One list of arguments and one body, as the functions that are expanded in different ways.
macro_rules! functions {
    ([$($attribute:tt)*] ($($arguments:tt)*) { $($body:tt)* } ($($values:tt)*)) => {
        $($attribute)*
        fn plain($($arguments)*) {
            let _local = Noisy("local");
            $($body)*
        }

        $($attribute)*
        fn fallible($($arguments)*) -> Result<Noisy, fmt::Error> {
            let _local = Noisy("local");
            $($body)*
            Ok(Noisy("returned"))
        }

        $($attribute)*
        fn failing($($arguments)*) -> Result<Noisy, fmt::Error> {
            let _local = Noisy("local");
            $($body)*
            Err(fmt::Error)?;
            Ok(Noisy("never returned"))
        }

        $($attribute)*
        #[track_caller]
        fn tracked($($arguments)*) -> Result<Noisy, fmt::Error> {
            let _local = Noisy("local");
            $($body)*
            Err(fmt::Error)?;
            Ok(Noisy("never returned"))
        }

        $($attribute)*
        fn panicking($($arguments)*) -> Result<Noisy, fmt::Error> {
            let _local = Noisy("local");
            $($body)*
            std::panic::resume_unwind(Box::new("on purpose"))
        }

        $($attribute)*
        fn future($($arguments)*) -> impl Future<Output = ()> {
            let local = Noisy("local");
            $($body)*
            async move {
                once().await;
                local.look();
            }
        }

        $($attribute)*
        fn boxed($($arguments)*) -> Pin<Box<dyn Future<Output = ()>>> {
            let _local = Noisy("local");
            $($body)*
            Box::pin(once())
        }

        $($attribute)*
        async fn asynchronous($($arguments)*) -> Noisy {
            let _local = Noisy("local");
            once().await;
            $($body)*
            Noisy("returned")
        }

        $($attribute)*
        async fn asynchronous_failing($($arguments)*) -> Result<Noisy, fmt::Error> {
            let _local = Noisy("local");
            $($body)*
            once().await;
            Err(fmt::Error)?;
            Ok(Noisy("never returned"))
        }

        /// By form, what is noted.
        pub(super) fn all() -> Vec<(&'static str, Vec<String>)> {
            vec![
                ("plain", noted(|| plain($($values)*))),
                ("fallible", noted(|| fallible($($values)*))),
                ("failing", noted(|| failing($($values)*))),
                ("tracked", noted(|| tracked($($values)*))),
                ("panicking", noted(|| panicking($($values)*))),
                ("future", noted(|| block_on(future($($values)*)))),
                ("future that is dropped", noted(|| future($($values)*))),
                ("boxed", noted(|| block_on(boxed($($values)*)))),
                ("async", noted(|| block_on(asynchronous($($values)*)))),
                ("async that fails", noted(|| block_on(asynchronous_failing($($values)*)))),
                ("async that is dropped", noted(|| asynchronous($($values)*))),
                ("async that is dropped half-way", noted(|| {
                    let mut future = Box::pin(asynchronous_failing($($values)*));
                    let _ = poll(future.as_mut());
                    log("half-way");
                })),
            ]
        }
    };
}

/// Compares the functions with the attribute and without.
macro_rules! drops {
    ($($name:ident($($arguments:tt)*) { $($body:tt)* } called with ($($values:tt)*))*) => { $(
        // What the functions would need without attributes.
        #[allow(unused_variables, clippy::needless_pass_by_value, clippy::unused_async, clippy::unnecessary_wraps)]
        #[allow(clippy::future_not_send, clippy::toplevel_ref_arg, clippy::needless_borrowed_reference)]
        mod $name {
            mod untouched {
                #[allow(unused_imports, reason = "not every case needs them all")]
                use super::super::*;
                functions! { [] ($($arguments)*) { $($body)* } ($($values)*) }
            }

            mod traced {
                #[allow(unused_imports, reason = "not every case needs them all")]
                use super::super::*;
                functions! { [#[charm_tracing::trace_fn]] ($($arguments)*) { $($body)* } ($($values)*) }
            }

            #[test]
            fn order_stays() {
                let mut in_a_session = Vec::new();
                let spans = tests::recording::recorded(|| in_a_session = traced::all());
                assert!(spans.contains("function call: plain"), "nothing was traced:\n{spans}");
                let _turn = tests::recording::take_turn();
                for (form, untouched) in untouched::all() {
                    let of = |all: &[(&'static str, Vec<String>)]| {
                        all.iter().find(|(name, _)| *name == form).map(|(_, log)| log.clone())
                    };
                    assert_eq!(of(&in_a_session), Some(untouched.clone()), "{form}");
                    assert_eq!(of(&traced::all()), Some(untouched), "{form}, without a session");
                }
            }
        }
    )* };
}

drops! {
    unused(_first: Noisy, _second: Noisy) {
        log("body");
    } called with (Noisy("first"), Noisy("second"))

    used_only_in_part(first: Noisy, second: Noisy, third: Noisy) {
        second.look();
    } called with (Noisy("first"), Noisy("second"), Noisy("third"))

    used_in_another_order(first: Noisy, second: Noisy, third: Noisy) {
        third.look();
        first.look();
        second.look();
    } called with (Noisy("first"), Noisy("second"), Noisy("third"))

    moved(first: Noisy, second: Noisy, third: Noisy) {
        log("body");
        drop(second);
        let _moved = third;
        first.look();
    } called with (Noisy("first"), Noisy("second"), Noisy("third"))

    moved_perhaps(first: Noisy, second: Noisy, really: bool) {
        if really {
            drop(first);
        }
        second.look();
    } called with (Noisy("first"), Noisy("second"), false)

    mutable(mut first: Noisy, mut second: Option<Noisy>) {
        first.look();
        first = Noisy("another first");
        drop(second.take());
        second = Some(Noisy("another second"));
        log("body");
        drop(second);
        first.look();
    } called with (Noisy("first"), Some(Noisy("second")))

    fields_moved(both: Pair, last: Noisy) {
        drop(both.right);
        last.look();
        both.left.look();
    } called with (pair(), Noisy("last"))

    patterns((first, second): (Noisy, Noisy), Pair { right, left }: Pair, [third, fourth]: [Noisy; 2]) {
        left.look();
        second.look();
        drop(fourth);
        log("body");
        let _ = (&first, &right, &third);
    } called with ((Noisy("first"), Noisy("second")), pair(), [Noisy("third"), Noisy("fourth")])

    patterns_of_what_is_copied(first: Noisy, Marked { number }: Marked, Wrapped(text): Wrapped) {
        log(text);
        first.look();
        let _ = number;
    } called with (Noisy("first"), Marked { number: 1 }, Wrapped("wrapped"))

    patterns_with_references(&Pair { ref left, .. }: &Pair, first: Noisy, Pair { right, .. }: &Pair, ref second: Noisy) {
        second.look();
        right.look();
        left.look();
        first.look();
    } called with (left_over(), Noisy("first"), left_over(), Noisy("second"))

    underscores_alone(_: Noisy, _: Noisy) {
        log("body");
    } called with (Noisy("first"), Noisy("second"))

    underscore_last(first: Noisy, _: Noisy) {
        first.look();
    } called with (Noisy("first"), Noisy("second"))

    underscore_first(_: Noisy, second: Noisy) {
        second.look();
    } called with (Noisy("first"), Noisy("second"))

    underscore_between(first: Noisy, _: Noisy, third: Noisy) {
        third.look();
        first.look();
    } called with (Noisy("first"), Noisy("second"), Noisy("third"))

    patterns_with_underscores(first: Noisy, (second, _): (Noisy, Noisy), Pair { left, .. }: Pair) {
        left.look();
        second.look();
        first.look();
    } called with (Noisy("first"), (Noisy("second"), Noisy("beside")), pair())

    implementing_a_trait(first: impl Into<Option<Noisy>>, second: Box<dyn AsRef<str>>, _third: Noisy) {
        log(second.as_ref().as_ref());
        drop(first);
    } called with (Noisy("first"), Box::new("second"), Noisy("third"))

    captured_by_a_closure(first: Noisy, second: Noisy) {
        let look = || second.look();
        look();
        let take = move || drop(first);
        take();
    } called with (Noisy("first"), Noisy("second"))

    with_attributes_of_their_own(#[allow(unused_variables)] first: Noisy, #[cfg(all())] second: Noisy, _third: Noisy) {
        second.look();
    } called with (Noisy("first"), Noisy("second"), Noisy("third"))
}

/// The methods are called by value, so the order of `self` among the arguments counts.
macro_rules! methods {
    ([$($attribute:tt)*]) => {
        struct Owner(Pair);

        $($attribute)*
        impl Owner {
            fn unused(self, _second: Noisy) -> Result<(), fmt::Error> {
                log("body");
                Ok(())
            }

            fn partly_moved(self, second: Noisy) -> Result<Noisy, fmt::Error> {
                second.look();
                let left = self.0.left;
                left.look();
                Ok(left)
            }

            fn taken_apart(self, _second: Noisy) -> Result<Noisy, fmt::Error> {
                let Self(Pair { right, .. }) = self;
                Ok(right)
            }

            fn changed(mut self, second: Noisy) -> Result<Self, fmt::Error> {
                self.0.left = second;
                if self.0.left.0.is_empty() {
                    return Err(fmt::Error);
                }
                Ok(self)
            }

            fn with_an_underscore(self, _: Noisy) -> Result<(), fmt::Error> {
                self.0.left.look();
                Ok(())
            }

            async fn partly_moved_later(self, second: Noisy) -> Result<Noisy, fmt::Error> {
                once().await;
                second.look();
                Ok(self.0.right)
            }

            fn future(self, second: Noisy) -> impl Future<Output = Noisy> {
                log("body");
                drop(self.0.left);
                async move {
                    once().await;
                    drop(second);
                    self.0.right
                }
            }
        }

        pub(super) fn all() -> Vec<Vec<String>> {
            let owner = || Owner(pair());
            let second = || Noisy("second");
            vec![
                noted(|| owner().unused(second())),
                noted(|| owner().partly_moved(second())),
                noted(|| owner().taken_apart(second())),
                noted(|| owner().changed(second())),
                noted(|| owner().with_an_underscore(second())),
                noted(|| block_on(owner().partly_moved_later(second()))),
                noted(|| owner().partly_moved_later(second())),
                noted(|| block_on(owner().future(second()))),
                noted(|| owner().future(second())),
            ]
        }
    };
}

#[allow(clippy::needless_pass_by_value, clippy::unused_async, clippy::unnecessary_wraps, clippy::unused_self)]
mod untouched_methods {
    use super::*;
    methods! { [] }
}

#[allow(clippy::needless_pass_by_value)]
mod traced_methods {
    use super::*;
    methods! { [#[charm_tracing::trace_type]] }
}

#[test]
fn self_by_value_is_dropped_last() {
    let mut in_a_session = Vec::new();
    let spans = recorded(|| in_a_session = traced_methods::all());
    assert!(spans.contains("method call: Owner.partly_moved_later"), "nothing was traced:\n{spans}");
    assert_eq!(in_a_session, untouched_methods::all());
    let _turn = take_turn();
    assert_eq!(traced_methods::all(), untouched_methods::all());
}

/// In the edition of 2021 what the last expression of a body borrows from is dropped after it.
mod last_expression {
    use super::*;

    struct Lock(RefCell<Vec<u8>>);

    #[charm_tracing::trace_fn]
    fn borrows_from_an_argument(lock: Lock) -> Result<usize, fmt::Error> {
        Ok(lock.0.borrow().len())
    }

    #[charm_tracing::trace_fn]
    async fn borrows_from_an_argument_later(lock: Lock, (other, _): (Lock, u8)) -> usize {
        once().await;
        lock.0.borrow().len() + other.0.borrow().len()
    }

    #[charm_tracing::trace_fn]
    fn borrows_in_a_match(lock: Lock) -> Result<usize, fmt::Error> {
        match lock.0.borrow()[..] {
            [first, ..] => Ok(usize::from(first)),
            [] => Err(fmt::Error),
        }
    }

    #[test]
    fn may_borrow_from_an_argument() {
        let _turn = take_turn();
        let lock = || Lock(RefCell::new(vec![7]));
        assert_eq!(borrows_from_an_argument(lock()), Ok(1));
        assert_eq!(borrows_in_a_match(lock()), Ok(7));
        assert_eq!(block_on(borrows_from_an_argument_later(lock(), (lock(), 0))), 2);
    }
}
