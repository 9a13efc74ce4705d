//! Constructs that only the edition of 2024 has, or has in its own way.
#![deny(warnings, missing_docs, clippy::pedantic, clippy::nursery)]
#![forbid(unsafe_code)]

#[macro_use]
#[allow(dead_code, reason = "not all that the other cases need")]
mod table;

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, IntoFuture};

use charm_tracing::{trace_fn, trace_type};

use crate::table::{Dropped, at};
use tests::futures::{block_on, once};

constructs! {
    let_chains {
        #[trace_fn]
        fn unit(text: &str) -> Result<u8, String> {
            if let Some((app, number)) = text.split_once('/')
                && !app.is_empty()
                && let Ok(number) = number.parse::<u8>()
            {
                return Ok(number);
            }
            let mut words = text.split(' ');
            while let Some(word) = words.next()
                && let Some(digit) = word.chars().next()
            {
                if digit.is_ascii_digit() && let Ok(number) = word.parse() {
                    return Ok(number);
                }
            }
            Err(format!("no number in {text}"))
        }
    } runs {
        assert_eq!((unit("app/3"), unit("the 4th 5")), (Ok(3), Ok(5)));
        assert!(unit("/1").is_err());
    } traces "
        function call: unit
        function call: unit
        function call: unit [error: no number in /1]
    "

    impl_trait_captures_all_lifetimes {
        struct Units(Vec<String>);

        #[trace_type]
        impl Units {
            fn longer(&self, than: &str) -> impl Iterator<Item = &String> {
                let length = than.len();
                self.0.iter().filter(move |unit| unit.len() > length)
            }

            fn first(&self, other: &mut String) -> impl Future<Output = Result<usize, String>> {
                at("before");
                async move {
                    once().await;
                    other.push_str(self.0.first().ok_or("no units")?);
                    Ok(other.len())
                }
            }

            fn all(&self) -> Result<impl Iterator<Item = &String>, impl fmt::Display> {
                if self.0.is_empty() { Err(format!("{} units", self.0.len())) } else { Ok(self.0.iter()) }
            }
        }
    } runs {
        let units = Units(vec!["app/0".to_owned()]);
        assert_eq!(units.longer("app").count(), 1);
        assert_eq!(block_on(units.first(&mut "the ".to_owned())), Ok(9));
        assert!(units.all().is_ok() && Units(vec![]).all().is_err());
        assert!(block_on(Units(vec![]).first(&mut String::new())).is_err());
    } traces "
        method call: Units.longer
        method call: Units.first
          event: before
        method call: Units.all
        method call: Units.all [error: 0 units]
        method call: Units.first [error: no units]
          event: before
    "

    temporaries_of_the_last_expression {
        struct Guard<'a>(&'a RefCell<u8>, Dropped);

        impl Guard<'_> {
            fn value(&self) -> u8 {
                let _ = &self.1;
                *self.0.borrow()
            }
        }

        const fn guard(cell: &RefCell<u8>) -> Guard<'_> {
            Guard(cell, Dropped("temporary dropped"))
        }

        /// Temporaries of the last expression are dropped before the locals, so they may borrow from them.
        #[trace_fn]
        fn borrows_from_a_local(number: u8) -> u8 {
            let _local = Dropped("local dropped");
            let cell = RefCell::new(number);
            guard(&cell).value()
        }

        #[trace_fn]
        #[allow(clippy::equatable_if_let)]
        fn fallible(number: u8) -> Result<u8, u8> {
            let _local = Dropped("local dropped");
            let cell = RefCell::new(number);
            if let 0 = guard(&cell).value() { Ok(0) } else { Err(at_the_end(&cell)) }
        }

        #[trace_fn]
        async fn asynchronous(number: u8) -> u8 {
            let _local = Dropped("local dropped");
            once().await;
            let cell = RefCell::new(number);
            guard(&cell).value()
        }

        fn at_the_end(cell: &RefCell<u8>) -> u8 {
            at("else");
            cell.take()
        }
    } runs {
        assert_eq!((borrows_from_a_local(1), fallible(1), block_on(asynchronous(1))), (1, Err(1), 1));
    } traces "
        function call: borrows_from_a_local
          event: temporary dropped
          event: local dropped
        function call: fallible [error: 1]
          event: temporary dropped
          event: else
          event: local dropped
        function call: asynchronous
          event: temporary dropped
          event: local dropped
    "

    awaited_without_being_a_future {
        struct Request(u8);

        #[trace_type]
        impl IntoFuture for Request {
            type Output = Result<u8, &'static str>;
            type IntoFuture = std::future::Ready<Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                std::future::ready(self.0.checked_sub(1).ok_or("nothing"))
            }
        }

        #[trace_fn]
        async fn sends(number: u8) -> Result<u8, &'static str> {
            Request(number).await
        }
    } runs {
        assert_eq!((block_on(sends(1)), block_on(sends(0))), (Ok(0), Err("nothing")));
    } traces "
        function call: sends
          method call: Request.into_future
        function call: sends [error: nothing]
          method call: Request.into_future
    "
}
