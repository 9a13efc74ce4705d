//! Futures: a span is open while its future is polled or dropped.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::num::ParseIntError;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use charm_tracing::{trace_fn, trace_type};

use crate::table::{Dropped, at};
use tests::futures::{block_on, once, poll};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls all, one after the other, until they are ready.
async fn in_turn(mut futures: Vec<BoxFuture<'_, ()>>) {
    let poll_all = move |task: &mut Context<'_>| {
        futures.retain_mut(|future| future.as_mut().poll(task).is_pending());
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    };
    poll_fn(poll_all).await;
}

constructs! {
    async_function {
        #[trace_fn]
        async fn waits(text: &str) -> Result<u8, ParseIntError> {
            at("before");
            once().await;
            at("after");
            let number = text.parse::<u8>()?;
            Ok(number)
        }
    } runs {
        assert_eq!(block_on(waits("3")), Ok(3));
        assert!(block_on(waits("")).is_err());
    } traces "
        function call: waits
          event: before
          event: after
        function call: waits [error: cannot parse integer from empty string]
          event: before
          event: after
    "

    future_in_return_position {
        #[trace_fn]
        fn waits<'a>(text: &'a str) -> impl Future<Output = Result<&'a str, fmt::Error>> + Send + 'a {
            at("prelude");
            let length = text.len();
            async move {
                once().await;
                at("polled");
                if length == 0 { Err(fmt::Error) } else { Ok(text) }
            }
        }
    } runs {
        assert_eq!(block_on(waits("a")), Ok("a"));
    } traces "
        function call: waits
          event: prelude
          event: polled
    "

    borrowed_arguments {
        struct Unit {
            name: String,
        }

        #[trace_type]
        impl Unit {
            async fn name(&self) -> &str {
                once().await;
                &self.name
            }

            async fn rename<'a>(&mut self, name: &'a str, _: &str) -> Result<&'a str, &mut String> {
                once().await;
                if name.is_empty() {
                    return Err(&mut self.name);
                }
                name.clone_into(&mut self.name);
                Ok(name)
            }

            async fn longer<'a>(&'a self, other: &'a str) -> &'a str {
                once().await;
                if other.len() > self.name.len() { other } else { &self.name }
            }

            async fn all<T: AsRef<str> + Sync + ?Sized, const N: usize>(&self, others: [&T; N]) -> Result<usize, String> {
                let mut length = 0;
                for other in others {
                    length += ready(other.as_ref().len()).await;
                }
                length.checked_sub(N).ok_or_else(|| self.name.clone())
            }

            async fn into_name(self: Box<Self>, mut prefix: String, (one, _): (char, u8)) -> String {
                once().await;
                prefix.push(one);
                prefix + &self.name
            }

            async fn with<F>(&self, work: F) -> usize
            where
                F: for<'a> FnOnce(&'a str) -> BoxFuture<'a, usize> + Send,
            {
                work(&self.name).await
            }
        }
    } runs {
        let mut unit = Unit { name: "app/0".to_owned() };
        assert_eq!(block_on(unit.name()), "app/0");
        assert_eq!(block_on(unit.rename("", "")), Err(&mut "app/0".to_owned()));
        assert_eq!(block_on(unit.rename("app/1", "")), Ok("app/1"));
        assert_eq!(block_on(unit.longer("app/10")), "app/10");
        assert_eq!(block_on(unit.all(["a", "b"])), Ok(0));
        assert_eq!(block_on(unit.all([""])), Err("app/1".to_owned()));
        assert_eq!(block_on(unit.with(|name| Box::pin(async move { name.len() }))), 5);
        assert_eq!(block_on(Box::new(unit).into_name("the ".to_owned(), ('>', 0))), "the >app/1");
    } traces "
        method call: Unit.name
        method call: Unit.rename [error: app/0]
        method call: Unit.rename
        method call: Unit.longer
        method call: Unit.all
        method call: Unit.all [error: app/1]
        method call: Unit.with
        method call: Unit.into_name
    "

    coercions {
        #[trace_fn]
        async fn boxed() -> Box<dyn fmt::Display + Send> {
            once().await;
            Box::new(3)
        }

        #[trace_fn]
        async fn boxed_in_a_result(text: &str) -> Result<Box<dyn Fn(&str) -> usize + Send>, Box<dyn Error + Send + Sync>> {
            once().await;
            let length: usize = text.parse()?;
            Ok(Box::new(move |text| text.len() + length))
        }

        #[trace_fn]
        #[allow(clippy::ptr_arg)]
        async fn dereferenced(text: &String) -> &str {
            once().await;
            text
        }

        #[trace_fn]
        #[allow(clippy::needless_pass_by_ref_mut)]
        async fn unsized_slice(numbers: &mut [u8; 3]) -> &[u8] {
            once().await;
            numbers
        }

        #[trace_fn]
        async fn pointer() -> fn(u8) -> u8 {
            once().await;
            |number| number + 1
        }

        #[trace_fn]
        async fn future() -> BoxFuture<'static, u8> {
            once().await;
            Box::pin(ready(1))
        }
    } runs {
        assert_eq!(block_on(boxed()).to_string(), "3");
        assert_eq!(block_on(boxed_in_a_result("3")).ok().map(|length| length("a")), Some(4));
        assert!(block_on(boxed_in_a_result("")).is_err());
        assert_eq!(block_on(dereferenced(&"a".to_owned())), "a");
        assert_eq!(block_on(unsized_slice(&mut [1, 2, 3])), [1, 2, 3]);
        assert_eq!(block_on(pointer())(1), 2);
        assert_eq!(block_on(block_on(future())), 1);
    } traces "
        function call: boxed
        function call: boxed_in_a_result
        function call: boxed_in_a_result [error: cannot parse integer from empty string]
        function call: dereferenced
        function call: unsized_slice
        function call: pointer
        function call: future
    "

    async_blocks {
        #[trace_fn]
        fn runs_one(text: &str) -> usize {
            let length = async {
                once().await;
                at("in the block");
                text.len()
            };
            at("before");
            block_on(length)
        }

        #[trace_fn]
        fn fails_in_one(text: &str) -> Result<u8, ParseIntError> {
            let failed = block_on(async { Ok::<u8, ParseIntError>("x".parse::<u8>()? + 1) }).is_err();
            assert!(failed);
            text.parse()
        }

        #[trace_fn]
        async fn awaits_one() -> Result<u8, &'static str> {
            let left = async {
                once().await;
                Err::<u8, _>("in the block")?;
                Ok(1)
            };
            let recovered: Result<u8, &str> = left.await;
            recovered.or(Ok(2))
        }

        /// A future in a tuple is not the function's own.
        #[trace_fn]
        fn returns_two() -> (impl Future<Output = ()>, usize) {
            at("before");
            (async { at("after the function") }, 1)
        }
    } runs {
        assert_eq!(runs_one("a"), 1);
        assert_eq!(fails_in_one("3"), Ok(3));
        assert_eq!(block_on(awaits_one()), Ok(2));
        block_on(returns_two().0);
    } traces "
        function call: runs_one
          event: before
          event: in the block
        function call: fails_in_one
        function call: awaits_one
        function call: returns_two
          event: before
        event: after the function
    "

    impl_future_with_other_bounds {
        struct Unit(String);

        #[trace_type]
        impl Unit {
            fn elided(&self) -> impl Future<Output = usize> + '_ {
                async { self.0.len() }
            }

            fn captures_what_is_named<'a>(&'a self, other: &str) -> impl Future<Output = &'a str> + use<'a> + Send {
                let length = other.len();
                async move {
                    once().await;
                    self.0.get(length..).unwrap_or_default()
                }
            }

            #[allow(clippy::unused_self)]
            fn stays_unpin(&self) -> impl Future<Output = ()> + Unpin + Send + Sync {
                once()
            }

            fn of_an_error(&self) -> impl Future<Output = Result<(), impl fmt::Display + use<'_>>> {
                async {
                    once().await;
                    Err(&self.0)
                }
            }

            fn of_another(self) -> impl Future<Output = String> {
                at("before");
                let work = async move |prefix: &str| prefix.to_owned() + &self.0;
                async move { work("the ").await }
            }
        }

        #[trace_fn]
        fn generic<T: Clone + Send, E>(value: &T, _: E) -> impl Future<Output = Result<T, E>> + Send + use<'_, T, E> {
            let value = value.clone();
            async { Ok(value) }
        }

        #[trace_fn]
        fn early(number: u8) -> impl Future<Output = u8> {
            if number == 0 {
                return ready(0);
            }
            at("not early");
            ready(number)
        }
    } runs {
        let unit = Unit("app/0".to_owned());
        assert_eq!(block_on(unit.elided()), 5);
        let rest = {
            let other = "app/".to_owned();
            unit.captures_what_is_named(&other)
        };
        assert_eq!(block_on(rest), "0");
        let mut unpin = unit.stays_unpin();
        assert!(Pin::new(&mut unpin).poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
        block_on(unpin);
        assert!(block_on(unit.of_an_error()).is_err());
        assert_eq!(block_on(unit.of_another()), "the app/0");
        assert_eq!(block_on(generic(&3, fmt::Error)), Ok(3));
        assert_eq!(block_on(early(0)) + block_on(early(1)), 1);
    } traces "
        method call: Unit.elided
        method call: Unit.captures_what_is_named
        method call: Unit.stays_unpin
        method call: Unit.of_an_error [error: app/0]
        method call: Unit.of_another
          event: before
        function call: generic
        function call: early
        function call: early
          event: not early
    "

    boxed_futures {
        trait Backend {
            fn push<'a>(&'a self, text: &'a str) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send + 'a>>;
            fn local(&self) -> Pin<Box<dyn Future<Output = u8> + '_>>;
        }

        struct Tempo(u8);

        #[trace_type]
        impl Backend for Tempo {
            fn push<'a>(&'a self, text: &'a str) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send + 'a>> {
                at("before");
                let length = text.len() + usize::from(self.0);
                Box::pin(async move {
                    once().await;
                    at("polled");
                    if text.is_empty() {
                        return Err("nothing to push".to_owned());
                    }
                    Ok(length)
                })
            }

            fn local(&self) -> Pin<Box<dyn Future<Output = u8> + '_>> {
                let shared = Rc::new(&self.0);
                Box::pin(async move {
                    once().await;
                    **shared
                })
            }
        }

        #[trace_fn]
        fn alias(number: &u8) -> BoxFuture<'_, Result<u8, fmt::Error>> {
            at("before");
            if *number == 0 {
                return Box::pin(ready(Err(fmt::Error)));
            }
            Box::pin(async move { Ok(*number) })
        }

        #[trace_fn]
        fn shared() -> Pin<Box<dyn Future<Output = u8> + Send + Sync>> {
            Box::pin(async {
                at("polled");
                1
            })
        }

        /// The result is the function's own, and fails before there is a future.
        #[trace_fn]
        fn result_of_one(text: &str) -> Result<BoxFuture<'static, u8>, ParseIntError> {
            let number = text.parse()?;
            Ok(Box::pin(ready(number)))
        }
    } runs {
        let backend: &dyn Backend = &Tempo(1);
        assert_eq!(block_on(backend.push("a")), Ok(2));
        assert!(block_on(backend.push("")).is_err());
        assert_eq!(block_on(backend.local()), 1);
        assert_eq!(block_on(alias(&3)), Ok(3));
        assert!(block_on(alias(&0)).is_err());
        assert_eq!(block_on(shared()), 1);
        assert_eq!(result_of_one("3").map(block_on), Ok(3));
        assert!(result_of_one("").is_err());
    } traces "
        method call: Tempo.push
          event: before
          event: polled
        method call: Tempo.push [error: nothing to push]
          event: before
          event: polled
        method call: Tempo.local
        function call: alias
          event: before
        function call: alias [error: an error occurred when formatting an argument]
          event: before
        function call: shared
          event: polled
        function call: result_of_one
        function call: result_of_one [error: cannot parse integer from empty string]
    "

    async_trait_on_either_side {
        #[async_trait]
        trait Backend<T: Sync>: Sync {
            async fn push(&self, value: &T) -> Result<u8, String>;

            async fn close(self: Box<Self>, mut tries: u8, (_, why): (u8, &str)) -> usize
            where
                T: 'async_trait;

            #[trace_fn]
            async fn push_twice(&self, value: &T) -> Result<u8, String> {
                Ok(self.push(value).await? + self.push(value).await?)
            }
        }

        struct Above;

        #[async_trait]
        #[trace_type]
        impl<T: fmt::Display + Sync> Backend<T> for Above {
            async fn push(&self, value: &T) -> Result<u8, String> {
                once().await;
                at("pushing");
                Err(value.to_string())
            }

            async fn close(self: Box<Self>, mut tries: u8, (_, why): (u8, &str)) -> usize
            where
                T: 'async_trait,
            {
                tries += 1;
                once().await;
                why.len() + usize::from(tries)
            }
        }

        struct Below;

        #[trace_type]
        #[async_trait]
        impl<T: fmt::Display + Sync> Backend<T> for Below {
            async fn push(&self, value: &T) -> Result<u8, String> {
                once().await;
                at("pushing");
                value.to_string().parse::<u8>().map_err(|error| error.to_string())
            }

            async fn close(self: Box<Self>, mut tries: u8, (_, why): (u8, &str)) -> usize
            where
                T: 'async_trait,
            {
                tries += 1;
                once().await;
                why.len() + usize::from(tries)
            }
        }
    } runs {
        let above: Box<dyn Backend<&str>> = Box::new(Above);
        let below: Box<dyn Backend<u8>> = Box::new(Below);
        assert_eq!(block_on(above.push_twice(&"no backend")), Err("no backend".to_owned()));
        assert_eq!(block_on(below.push_twice(&3)), Ok(6));
        assert_eq!(block_on(above.close(1, (0, "end"))), 5);
        assert_eq!(block_on(below.close(1, (0, "end"))), 5);
    } traces "
        method call: Above.push_twice [error: no backend]
          method call: Above.push [error: no backend]
            event: pushing
        method call: Below.push_twice
          method call: Below.push
            event: pushing
          method call: Below.push
            event: pushing
        method call: Above.close
        method call: Below.close
    "

    async_trait_without_send {
        #[async_trait(?Send)]
        trait Local {
            async fn number(&self) -> Option<u8>;
        }

        #[trace_type]
        #[async_trait(?Send)]
        impl Local for Rc<u8> {
            async fn number(&self) -> Option<u8> {
                let kept = Self::clone(self);
                once().await;
                kept.checked_add(1)
            }
        }

        #[async_trait(?Send)]
        #[trace_type]
        impl Local for str {
            async fn number(&self) -> Option<u8> {
                let kept = Rc::new(self);
                once().await;
                kept.parse().ok()
            }
        }
    } runs {
        assert_eq!((block_on(Rc::new(1).number()), block_on("1".number())), (Some(2), Some(1)));
    } traces "
        method call: Rc.number
        method call: str.number
    "

    written_by_hand {
        struct Countdown(u8);

        #[trace_type]
        impl Future for Countdown {
            type Output = Result<u8, &'static str>;

            fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
                let Some(less) = self.0.checked_sub(1) else { return Poll::Ready(Err("ended")) };
                self.0 = less;
                task.waker().wake_by_ref();
                Poll::Pending
            }
        }

        #[trace_fn]
        fn counts(from: u8) -> impl Future<Output = Result<u8, &'static str>> {
            Countdown(from)
        }

        #[trace_fn]
        fn named(from: u8) -> Countdown {
            Countdown(from)
        }
    } runs {
        assert_eq!(block_on(counts(1)), Err("ended"));
        assert_eq!(block_on(named(0)), Err("ended"));
    } traces "
        function call: counts [error: ended]
          method call: Countdown.poll
          method call: Countdown.poll
        function call: named
        method call: Countdown.poll
    "

    async_functions_in_traits {
        #[trace_type]
        trait Backend {
            async fn push(&self, text: &str) -> Result<usize, String>;

            fn is_ready(&self) -> impl Future<Output = bool> + Send;

            async fn push_if_ready(&self, text: &str) -> Result<usize, String> {
                if self.is_ready().await { self.push(text).await } else { Err("not ready".to_owned()) }
            }

            fn is_ready_twice(&self) -> impl Future<Output = bool>
            where
                Self: Sync,
            {
                at("before");
                async { self.is_ready().await && self.is_ready().await }
            }
        }

        struct Tempo(bool);

        #[trace_type]
        impl Backend for Tempo {
            async fn push(&self, text: &str) -> Result<usize, String> {
                once().await;
                Ok(text.len())
            }

            async fn is_ready(&self) -> bool {
                once().await;
                self.0
            }
        }

        struct Other;

        #[trace_type]
        impl Backend for Other {
            fn push(&self, text: &str) -> impl Future<Output = Result<usize, String>> {
                let text = text.to_owned();
                async { Err(text) }
            }

            fn is_ready(&self) -> impl Future<Output = bool> + Send {
                ready(true)
            }
        }
    } runs {
        assert_eq!(block_on(Tempo(true).push_if_ready("a")), Ok(1));
        assert!(block_on(Tempo(false).push_if_ready("a")).is_err());
        assert!(block_on(Other.push_if_ready("refused")).is_err());
        assert!(block_on(Other.is_ready_twice()));
    } traces "
        method call: Tempo.push_if_ready
          method call: Tempo.is_ready
          method call: Tempo.push
        method call: Tempo.push_if_ready [error: not ready]
          method call: Tempo.is_ready
        method call: Other.push_if_ready [error: refused]
          method call: Other.is_ready
          method call: Other.push [error: refused]
        method call: Other.is_ready_twice
          event: before
          method call: Other.is_ready
          method call: Other.is_ready
    "

    async_closures {
        #[trace_fn]
        async fn sums(numbers: &[u8]) -> Result<u8, &'static str> {
            let mut sum = 0_u8;
            let mut add = async |number: &u8| {
                once().await;
                sum = sum.checked_add(*number).ok_or("in the closure")?;
                Ok::<_, &str>(())
            };
            for number in numbers {
                if add(number).await.is_err() {
                    return Err("too large");
                }
            }
            Ok(sum)
        }

        #[trace_fn]
        #[allow(clippy::future_not_send)]
        async fn applies<T>(values: Vec<T>, work: impl AsyncFn(&T) -> u8) -> Vec<u8> {
            let mut applied = Vec::new();
            for value in &values {
                applied.push(work(value).await);
            }
            applied
        }
    } runs {
        assert_eq!(block_on(sums(&[1, 2])), Ok(3));
        assert_eq!(block_on(sums(&[255, 2])), Err("too large"));
        let more = 1;
        let add = async |value: &u8| {
            at("in the closure");
            value + more
        };
        assert_eq!(block_on(applies(vec![1, 2], add)), [2, 3]);
    } traces "
        function call: sums
        function call: sums [error: too large]
        function call: applies
          event: in the closure
          event: in the closure
    "

    recursion {
        #[trace_fn]
        async fn down(from: u8) -> Result<u8, &'static str> {
            if from == 0 {
                return Err("at the bottom");
            }
            Box::pin(down(from - 1)).await
        }

        #[trace_fn]
        fn boxed(from: u8) -> BoxFuture<'static, u8> {
            Box::pin(async move { if from == 0 { 0 } else { 1 + boxed(from - 1).await } })
        }
    } runs {
        assert!(block_on(down(2)).is_err());
        assert_eq!(block_on(boxed(2)), 2);
    } traces "
        function call: down [error: at the bottom]
          function call: down [error: at the bottom]
            function call: down [error: at the bottom]
        function call: boxed
          function call: boxed
            function call: boxed
    "

    polled_in_turn {
        #[trace_fn(name = "{outer}")]
        async fn outer(places: [&'static str; 3]) {
            at(places[0]);
            inner(places[1]).await;
            at(places[2]);
        }

        #[trace_fn]
        async fn inner(place: &'static str) {
            once().await;
            at(place);
            once().await;
        }

        #[trace_fn]
        fn boxed(place: &'static str) -> BoxFuture<'static, ()> {
            Box::pin(async move {
                inner(place).await;
                at("after inner");
            })
        }
    } runs {
        let left = outer(["1 left", "2 left", "3 left"]);
        let right = outer(["1 right", "2 right", "3 right"]);
        block_on(in_turn(vec![Box::pin(left), Box::pin(right), boxed("boxed")]));
        at("outside");
    } traces "
        function call: boxed
          function call: inner
            event: boxed
          event: after inner
        {outer}
          event: 1 left
          function call: inner
            event: 2 left
          event: 3 left
        {outer}
          event: 1 right
          function call: inner
            event: 2 right
          event: 3 right
        event: outside
    "

    not_seen_by_other_tasks {
        #[trace_fn]
        async fn waits() {
            at("first poll");
            once().await;
            at("second poll");
        }
    } runs {
        let mut future = Box::pin(waits());
        assert!(poll(future.as_mut()).is_pending());
        at("between");
        let mut other = Box::pin(async {
            at("in another task");
            once().await;
            at("in another task again");
        });
        assert!(poll(other.as_mut()).is_pending());
        assert!(poll(future.as_mut()).is_ready());
        at("when it is ready");
        drop(future);
        assert!(poll(other.as_mut()).is_ready());
    } traces "
        function call: waits
          event: first poll
          event: second poll
        event: between
        event: in another task
        event: when it is ready
        event: in another task again
    "

    started_by_one_task_and_finished_by_another {
        #[trace_fn]
        async fn shared() {
            once().await;
            at("shared");
        }

        #[trace_fn]
        async fn first(future: &mut BoxFuture<'_, ()>) {
            assert!(poll(future.as_mut()).is_pending());
            once().await;
        }

        #[trace_fn]
        async fn second(future: BoxFuture<'static, ()>) {
            future.await;
            at("second");
        }
    } runs {
        let mut future: BoxFuture<'_, ()> = Box::pin(shared());
        block_on(first(&mut future));
        block_on(second(future));
    } traces "
        function call: first
          function call: shared
            event: shared
        function call: second
          event: second
    "

    moved_to_another_thread {
        #[trace_fn]
        async fn travels() -> Result<u8, &'static str> {
            at("here");
            once().await;
            at("there");
            inner().await
        }

        #[trace_fn]
        fn inner() -> impl Future<Output = Result<u8, &'static str>> + Send {
            async { Err("far away") }
        }

        #[trace_fn]
        fn boxed() -> BoxFuture<'static, ()> {
            Box::pin(async {
                once().await;
                at("there");
            })
        }
    } runs {
        let mut future = Box::pin(travels());
        let mut boxed = boxed();
        assert!(poll(future.as_mut()).is_pending() && poll(boxed.as_mut()).is_pending());
        let thread = std::thread::spawn(move || {
            let traveled = block_on(future);
            // Outside of the future the thread has no current span, so this is on the event.
            at("on the other thread");
            drop(boxed);
            traveled
        });
        assert_eq!(thread.join().unwrap(), Err("far away"));
    } traces "
        function call: boxed [error: cancelled]
        function call: travels [error: far away]
          event: here
          event: there
          function call: inner [error: far away]
        event: on the other thread
    "

    dropped_half_way {
        #[trace_fn]
        async fn outer() -> Result<u8, fmt::Error> {
            let _local = Dropped("outer dropped");
            inner().await;
            Err(fmt::Error)
        }

        #[trace_fn]
        async fn inner() {
            let _local = Dropped("inner dropped");
            once().await;
            at("never");
        }

        #[trace_fn]
        fn future() -> impl Future<Output = u8> {
            at("before");
            async {
                once().await;
                1
            }
        }

        #[trace_fn]
        fn boxed() -> BoxFuture<'static, u8> {
            Box::pin(future())
        }
    } runs {
        let mut half_way = Box::pin(outer());
        assert!(poll(half_way.as_mut()).is_pending());
        drop(half_way);
        at("outside");
        drop(future());
        drop(boxed());
    } traces "
        function call: outer [error: cancelled]
          function call: inner [error: cancelled]
            event: inner dropped
          event: outer dropped
        event: outside
        function call: future [error: cancelled]
          event: before
        function call: boxed [error: cancelled]
          function call: future [error: cancelled]
            event: before
    "

    dropped_before_they_are_polled {
        #[trace_fn]
        async fn never(_argument: Dropped) -> u8 {
            1
        }
    } runs {
        drop(never(Dropped("argument dropped")));
    } traces "
        event: argument dropped
    "

    dropped_when_they_are_ready {
        #[trace_fn]
        async fn finished(_argument: Dropped) -> u8 {
            once().await;
            1
        }
    } runs {
        let mut future = Box::pin(finished(Dropped("argument dropped")));
        while poll(future.as_mut()).is_pending() {}
        at("it is ready");
        drop(future);
    } traces "
        function call: finished
          event: argument dropped
        event: it is ready
    "

    streams_and_iterators_are_left_alone {
        trait Stream {
            type Item;

            fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>>;
        }

        struct Numbers(u8);

        #[trace_type(only(poll_next))]
        impl Stream for Numbers {
            type Item = Result<u8, &'static str>;

            fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.0 += 1;
                Poll::Ready((self.0 < 2).then_some(Err("an item")))
            }
        }

        #[trace_fn]
        fn stream() -> impl Stream<Item = Result<u8, &'static str>> + Send {
            at("body");
            Numbers(0)
        }

        #[trace_fn]
        fn futures() -> impl Iterator<Item = BoxFuture<'static, u8>> {
            at("body");
            (0..2).map(|number| -> BoxFuture<'static, u8> { Box::pin(ready(number)) })
        }

        #[trace_fn]
        fn both() -> impl Future<Output = u8> + Clone {
            at("body");
            ready(1)
        }
    } runs {
        let mut stream = pin!(stream());
        let mut next = || block_on(poll_fn(|task| stream.as_mut().poll_next(task)));
        assert_eq!((next(), next()), (Some(Err("an item")), None));
        assert_eq!(futures().map(block_on).sum::<u8>(), 1);
        let both = both();
        assert_eq!(block_on(both.clone()) + block_on(both), 2);
    } traces "
        function call: stream
          event: body
        method call: Numbers.poll_next
        method call: Numbers.poll_next
        function call: futures
          event: body
        function call: both
          event: body
    "

    free_to_move {
        const fn send<T: Send>(value: T) -> T {
            value
        }

        const fn sync<T: Sync>(value: T) -> T {
            value
        }

        const fn lives_long<T: 'static>(value: T) -> T {
            value
        }

        #[trace_fn]
        async fn function(text: String) -> Result<usize, Rc<str>> {
            once().await;
            Ok(text.len())
        }

        #[trace_fn]
        async fn generic<T: Send + Sync>(value: T) -> T {
            once().await;
            value
        }

        #[trace_fn]
        fn future(text: &str) -> impl Future<Output = usize> + use<> {
            let text = text.to_owned();
            async move {
                once().await;
                text.len()
            }
        }
    } runs {
        assert_eq!(block_on(lives_long(sync(send(function("a".to_owned()))))), Ok(1));
        assert_eq!(block_on(sync(send(generic(3)))), 3);
        assert_eq!(block_on(lives_long(sync(send(future("a"))))), 1);
    } traces "
        function call: function
        function call: generic
        function call: future
    "
}

/// Futures are moved and nested, so their size counts.
mod size {
    use super::*;

    macro_rules! levels {
        ([$($attribute:tt)*] $outer:ident $inner:ident $($more:ident)*) => {
            $($attribute)*
            pub(super) async fn $outer() -> u64 {
                $inner().await + 1
            }
            levels! { [$($attribute)*] $inner $($more)* }
        };
        ([$($attribute:tt)*] $inner:ident) => {
            $($attribute)*
            async fn $inner() -> u64 {
                once().await;
                0
            }
        };
    }

    mod untouched {
        use super::*;
        levels! { [] a b c d e f g h i j }
    }

    mod traced {
        use super::*;
        levels! { [#[trace_fn]] a b c d e f g h i j }
    }

    macro_rules! arguments {
        ($($attribute:tt)*) => {
            $($attribute)*
            pub(super) async fn copied(numbers: [u8; 1024]) -> usize {
                once().await;
                numbers.len()
            }

            $($attribute)*
            pub(super) async fn owned(text: [String; 100], more: &str) -> usize {
                once().await;
                text.len() + more.len()
            }
        };
    }

    mod untouched_arguments {
        use super::*;
        arguments! {}
    }

    mod traced_arguments {
        use super::*;
        arguments! { #[trace_fn] }
    }

    macro_rules! sizes_with_arguments {
        ($module:ident) => {{
            use $module::{copied, owned};
            let text = || std::array::from_fn(|_| String::new());
            [size_of_val(&copied([1; 1024])), size_of_val(&owned(text(), "a"))]
        }};
    }

    #[test]
    fn has_no_more_room_for_arguments_than_without() {
        let _turn = tests::recording::take_turn();
        let traced = sizes_with_arguments!(traced_arguments);
        let untouched = sizes_with_arguments!(untouched_arguments);
        for (traced, untouched) in traced.into_iter().zip(untouched) {
            assert!(traced <= untouched + 4 * size_of::<usize>(), "{untouched} bytes, with spans {traced}");
        }
    }

    #[test]
    fn grows_by_three_words_for_each_level() {
        let _turn = tests::recording::take_turn();
        let (untouched, traced) = (size_of_val(&untouched::a()), size_of_val(&traced::a()));
        assert_eq!(block_on(untouched::a()), block_on(traced::a()));
        assert!(traced <= untouched + 10 * 3 * size_of::<usize>(), "{untouched} bytes, with spans {traced}");
    }
}
