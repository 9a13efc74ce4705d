//! Lints that the code without the attributes does not draw; `clippy` is what fails here.

use std::fmt;
use std::future::{Future, ready};
use std::num::ParseIntError;
use std::pin::Pin;

use charm_tracing::{trace_fn, trace_type};
use tests::futures::block_on;

constructs! {
    #[deny(clippy::implicit_return, clippy::shadow_unrelated, clippy::shadow_same, clippy::shadow_reuse)]
    #[allow(clippy::needless_return)]
    style_of_the_strict {
        #[trace_fn]
        fn plain(x: u8) -> u8 {
            return x + 1;
        }

        #[trace_fn(attributes(x = x))]
        fn fails(x: &str) -> Result<u8, ParseIntError> {
            return x.parse();
        }

        #[trace_fn]
        fn owns(mut x: String, (y, _): (String, u8)) -> Result<u8, ParseIntError> {
            x.push_str(&y);
            return x.parse();
        }

        #[trace_fn]
        fn hidden(x: &str) -> Result<impl fmt::Display, ParseIntError> {
            return x.parse::<u8>();
        }

        #[trace_fn]
        #[track_caller]
        fn tracked(x: &str) -> Result<u8, ParseIntError> {
            let y = x.parse::<u8>()?;
            return Ok(y);
        }

        #[trace_fn]
        async fn waits(mut x: String, (y, _): (String, u8)) -> Result<u8, ParseIntError> {
            ready(()).await;
            x.push_str(&y);
            return x.parse();
        }

        #[trace_fn]
        async fn waits_for_nothing() {
            ready(()).await;
        }

        #[trace_fn]
        fn future(x: u8) -> impl Future<Output = u8> {
            return ready(x);
        }

        #[trace_fn]
        fn boxed(x: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
            return Box::pin(ready(x));
        }
    } runs {
        assert_eq!(plain(1), 2);
        assert_eq!(fails("1"), Ok(1));
        assert_eq!(owns("1".to_owned(), ("2".to_owned(), 3)), Ok(12));
        assert_eq!(hidden("1").map(|shown| return shown.to_string()), Ok("1".to_owned()));
        assert_eq!(tracked("1"), Ok(1));
        assert_eq!(block_on(waits("1".to_owned(), ("2".to_owned(), 3))), Ok(12));
        block_on(waits_for_nothing());
        assert_eq!(block_on(future(1)), 1);
        assert_eq!(block_on(boxed(1)), 1);
    } traces "
        function call: plain
        function call: fails
        function call: owns
        function call: hidden
        function call: tracked
        function call: waits
        function call: waits_for_nothing
        function call: future
        function call: boxed
    "

    large_errors_that_a_trait_wants {
        /// An error of which a function of one's own must not return any.
        struct Large([u8; 400]);

        impl fmt::Display for Large {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("large")
            }
        }

        trait Check {
            type Error;
            fn check(&self, number: u8) -> Result<u8, Self::Error>;
            fn check_tracked(&self, number: u8) -> Result<u8, Self::Error>;
            fn check_later(&self, number: u8) -> impl Future<Output = Result<u8, Self::Error>>;
        }

        struct Unit;

        #[trace_type]
        impl Check for Unit {
            type Error = Large;

            fn check(&self, number: u8) -> Result<u8, Large> {
                if number == 0 { Err(Large([0; 400])) } else { Ok(number) }
            }

            #[track_caller]
            fn check_tracked(&self, number: u8) -> Result<u8, Self::Error> {
                let number = self.check(number)?;
                Ok(number)
            }

            async fn check_later(&self, number: u8) -> Result<u8, Self::Error> {
                ready(()).await;
                self.check(number)
            }
        }

        struct Other;

        #[trace_type]
        impl Check for Other {
            type Error = Large;

            #[trace_fn(attributes(number = number))]
            fn check(&self, number: u8) -> Result<u8, Large> {
                if number == 0 { Err(Large([0; 400])) } else { Ok(number) }
            }

            fn check_tracked(&self, number: u8) -> Result<u8, Self::Error> {
                self.check(number)
            }

            fn check_later(&self, number: u8) -> impl Future<Output = Result<u8, Large>> {
                ready(if number == 0 { Err(Large([0; 400])) } else { Ok(number) })
            }
        }
    } runs {
        assert_eq!(Unit.check(0).err().map(|error| error.0.len()), Some(400));
        assert!(Unit.check_tracked(1).is_ok());
        assert!(block_on(Unit.check_later(0)).is_err());
        assert!(Other.check_tracked(0).is_err());
        assert!(block_on(Other.check_later(1)).is_ok());
    } traces "
        method call: Unit.check [error: large]
        method call: Unit.check_tracked
          method call: Unit.check
        method call: Unit.check_later [error: large]
          method call: Unit.check [error: large]
        method call: Other.check_tracked [error: large]
          method call: Other.check [error: large]
        method call: Other.check_later
    "

    /// A method may call another one of its name, which is no recursion.
    calls_of_the_same_name {
        struct Unit;

        impl Unit {
            #[allow(clippy::unused_self)]
            fn read(&self, text: &str) -> Result<u8, ParseIntError> {
                text.parse()
            }
        }

        trait Read {
            fn read(&self, text: &str) -> Result<u8, ParseIntError>;
            fn parse(text: &str) -> Result<u8, ParseIntError>;
        }

        #[trace_type]
        impl Read for Unit {
            fn read(&self, text: &str) -> Result<u8, ParseIntError> {
                self.read(text)
            }

            fn parse(text: &str) -> Result<u8, ParseIntError> {
                parse(text)
            }
        }

        fn parse(text: &str) -> Result<u8, ParseIntError> {
            text.parse()
        }
    } runs {
        assert!(<Unit as Read>::read(&Unit, "x").is_err());
        assert!(Unit::parse("x").is_err());
    } traces "
        method call: Unit.read [error: invalid digit found in string]
        method call: Unit.parse [error: invalid digit found in string]
    "
}
