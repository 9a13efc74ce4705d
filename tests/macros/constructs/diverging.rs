//! Bodies that never end, or end in several places: the compiler says no more of them than without the attributes.

use std::convert::Infallible;
use std::fmt;

use charm_tracing::{trace_fn, trace_type};

use tests::futures::{block_on, once};

constructs! {
    futures_that_only_return {
        struct Reply(u8);

        #[trace_fn]
        async fn retries() -> Reply {
            let mut tries = 0;
            loop {
                once().await;
                tries += 1;
                assert!(tries < 4, "too often");
                if tries == 3 {
                    return Reply(tries);
                }
            }
        }

        #[trace_fn]
        #[allow(clippy::needless_return)]
        async fn matches(number: Option<u8>) -> Vec<u8> {
            once().await;
            match number {
                Some(number) => return vec![number],
                None => panic!("no number"),
            };
        }

        #[trace_fn]
        async fn breaks(mut numbers: Vec<u8>) -> Vec<u8> {
            loop {
                once().await;
                if numbers.pop().is_some() {
                    break numbers;
                }
            }
        }
    } runs {
        assert_eq!(block_on(retries()).0, 3);
        assert_eq!(block_on(matches(Some(1))), [1]);
        assert_eq!(block_on(breaks(vec![1, 2])), [1]);
    } traces "
        function call: retries
        function call: matches
        function call: breaks
    "

    tracked_callers {
        #[trace_fn]
        #[track_caller]
        #[allow(clippy::needless_return)]
        fn branches(number: Option<u8>) -> Result<u8, fmt::Error> {
            if number == Some(1) {
                return Ok(1);
            }
            match number {
                Some(2) => return Ok(2),
                Some(3) => Err(fmt::Error),
                Some(4) => {
                    let number = 4;
                    Ok(number)
                }
                _ => panic!("no number"),
            }
        }

        #[trace_fn]
        #[track_caller]
        fn ends_nowhere(number: u8) -> Result<u8, fmt::Error> {
            loop {
                if number > 0 {
                    return Err(fmt::Error);
                }
                assert!(number > 0, "for ever");
            }
        }

        #[trace_fn]
        #[track_caller]
        fn depends_on_the_system() -> Result<u8, fmt::Error> {
            #[cfg(all())]
            {
                Err(fmt::Error)
            }
            #[cfg(any())]
            {
                Ok(2)
            }
        }

        #[trace_fn]
        #[track_caller]
        fn uninhabited(number: Result<Infallible, fmt::Error>) -> Result<u8, fmt::Error> {
            match number? {}
        }
    } runs {
        assert_eq!(branches(Some(2)), Ok(2));
        assert!(branches(Some(3)).is_err());
        assert_eq!(branches(Some(4)), Ok(4));
        assert!(ends_nowhere(1).is_err());
        assert!(depends_on_the_system().is_err());
        assert!(uninhabited(Err(fmt::Error)).is_err());
    } traces "
        function call: branches
        function call: branches
        function call: branches
        function call: ends_nowhere
        function call: depends_on_the_system
        function call: uninhabited
    "

    a_self_that_is_changed_and_dropped {
        struct Transaction {
            done: bool,
            steps: usize,
        }

        impl Drop for Transaction {
            fn drop(&mut self) {
                assert!(self.done || self.steps == 0);
            }
        }

        #[trace_type]
        impl Transaction {
            fn commit(mut self) -> Result<(), fmt::Error> {
                self.done = true;
                Ok(())
            }

            async fn commit_later(mut self, more: usize) -> usize {
                once().await;
                self.steps += more;
                self.done = true;
                more
            }

            fn fold<B>(mut self, start: B) -> B {
                self.done = true;
                start
            }
        }
    } runs {
        let open = || Transaction { done: false, steps: 1 };
        assert!(open().commit().is_ok());
        assert_eq!(block_on(open().commit_later(2)), 2);
        assert_eq!(open().fold(3), 3);
    } traces "
        method call: Transaction.commit
        method call: Transaction.commit_later
        method call: Transaction.fold
    "

    bodies_of_one_line {
        #[rustfmt::skip]
        #[trace_fn]
        fn ignores(_: String) -> Result<u8, fmt::Error> { Ok(3) }
    } runs {
        assert_eq!(ignores(String::new()), Ok(3));
    } traces "
        function call: ignores
    "
}
