//! Futures: a span is open while its future is polled or dropped.

use std::fmt;
use std::future::Future;

use charm_tracing::trace_fn;

use crate::table::{at, block_on, once};

constructs! {
    async_function {
        #[trace_fn]
        async fn waits(text: &str) -> Result<u8, std::num::ParseIntError> {
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
}
