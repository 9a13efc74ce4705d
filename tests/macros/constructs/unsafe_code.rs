//! The constructs that need unsafe code: a test of `tests/macros/unsafe-code`.
#![deny(warnings, missing_docs, clippy::pedantic, clippy::nursery)]

#[macro_use]
#[allow(dead_code, reason = "not all that the other cases need")]
mod table;

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::future::Future;

use charm_tracing::{trace_fn, trace_type};

use crate::table::at;
use tests::futures::{block_on, once};

constructs! {
    functions {
        #[trace_fn]
        unsafe fn read(pointer: *const u8) -> u8 {
            at("body");
            unsafe { *pointer }
        }

        #[trace_fn]
        unsafe fn checked<'a>(pointer: *const u8) -> Result<&'a u8, &'static str> {
            let value = unsafe { pointer.as_ref() }.ok_or("null")?;
            Ok(value)
        }

        /// The whole body is unsafe, as it is by default before the edition of 2024.
        #[trace_fn]
        #[allow(unsafe_op_in_unsafe_fn)]
        unsafe fn implicit(pointer: *const u8) -> Result<u8, fmt::Error> {
            if pointer.is_null() {
                return Err(fmt::Error);
            }
            Ok(*pointer)
        }

        #[trace_fn]
        #[allow(unsafe_op_in_unsafe_fn)]
        unsafe fn in_place(pointer: *const u8) -> u8 {
            *pointer
        }

        #[trace_fn]
        #[track_caller]
        #[allow(unsafe_op_in_unsafe_fn)]
        unsafe fn tracked(pointer: *const u8) -> Result<u8, fmt::Error> {
            (!pointer.is_null()).then_some(()).ok_or(fmt::Error)?;
            Ok(*pointer)
        }
    } runs {
        let number = 3_u8;
        let pointer: *const u8 = &raw const number;
        unsafe {
            assert_eq!((read(pointer), checked(pointer), in_place(pointer)), (3, Ok(&3), 3));
            assert!(checked(std::ptr::null()).is_err());
            assert_eq!((implicit(pointer), tracked(pointer)), (Ok(3), Ok(3)));
            assert!(implicit(std::ptr::null()).is_err() && tracked(std::ptr::null()).is_err());
        }
        let pointer_to_it: unsafe fn(*const u8) -> u8 = read;
        assert_eq!(unsafe { pointer_to_it(pointer) }, 3);
    } traces "
        function call: read
          event: body
        function call: checked
        function call: in_place
        function call: checked [error: null]
        function call: implicit
        function call: tracked
        function call: implicit [error: an error occurred when formatting an argument]
        function call: tracked
        function call: read
          event: body
    "

    asynchronous_functions {
        struct Memory(*const u8);

        #[trace_type]
        impl Memory {
            #[allow(clippy::future_not_send)]
            async unsafe fn read(&self) -> Result<u8, &'static str> {
                once().await;
                if self.0.is_null() {
                    return Err("null");
                }
                Ok(unsafe { *self.0 })
            }

            #[allow(unsafe_op_in_unsafe_fn, clippy::future_not_send)]
            async unsafe fn implicit(self, more: *const u8) -> u8 {
                once().await;
                *self.0 + *more
            }

            unsafe fn future(&self) -> impl Future<Output = Result<u8, fmt::Error>> + use<'_> {
                let number = unsafe { *self.0 };
                async move {
                    once().await;
                    Ok(number)
                }
            }
        }
    } runs {
        let number = 3_u8;
        unsafe {
            assert_eq!(block_on(Memory(&raw const number).read()), Ok(3));
            assert_eq!(block_on(Memory(std::ptr::null()).read()), Err("null"));
            assert_eq!(block_on(Memory(&raw const number).implicit(&raw const number)), 6);
            assert_eq!(block_on(Memory(&raw const number).future()), Ok(3));
        }
    } traces "
        method call: Memory.read
        method call: Memory.read [error: null]
        method call: Memory.implicit
        method call: Memory.future
    "

    traits {
        /// # Safety
        ///
        /// All zeros are a value.
        #[trace_type]
        unsafe trait Zeroed: Copy {
            unsafe fn zeroed() -> Result<Self, String>;

            unsafe fn twice() -> Result<(Self, Self), String> {
                Ok(unsafe { (Self::zeroed()?, Self::zeroed()?) })
            }
        }

        #[trace_type]
        unsafe impl Zeroed for u8 {
            unsafe fn zeroed() -> Result<Self, String> {
                Ok(unsafe { std::mem::zeroed() })
            }
        }

        #[derive(Clone, Copy)]
        struct Mute(*const u8);

        #[trace_type]
        unsafe impl Zeroed for Mute {
            unsafe fn zeroed() -> Result<Self, String> {
                let null = Self(std::ptr::null());
                if null.0.is_null() { Err("null".to_owned()) } else { Ok(null) }
            }
        }

        #[trace_type]
        unsafe impl Send for Mute {}
    } runs {
        assert_eq!(unsafe { u8::twice() }, Ok((0, 0)));
        assert!(unsafe { Mute::twice() }.is_err());
    } traces "
        method call: u8.twice
          method call: u8.zeroed
          method call: u8.zeroed
        method call: Mute.twice [error: null]
          method call: Mute.zeroed [error: null]
    "

    for_other_languages {
        #[trace_fn]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn charm_tracing_test_length(text: *const c_char) -> c_int {
            at("body");
            let text = unsafe { CStr::from_ptr(text) };
            c_int::try_from(text.count_bytes()).unwrap_or(c_int::MAX)
        }

        #[unsafe(export_name = "charm_tracing_test_exported")]
        #[trace_fn]
        extern "C-unwind" fn exported(number: c_int) -> c_int {
            number + 1
        }

        unsafe extern "C" {
            #[link_name = "charm_tracing_test_length"]
            fn length(text: *const c_char) -> c_int;
        }

        unsafe extern "C-unwind" {
            #[link_name = "charm_tracing_test_exported"]
            safe fn successor(number: c_int) -> c_int;
        }
    } runs {
        assert_eq!(unsafe { length(c"four".as_ptr()) }, 4);
        assert_eq!(successor(exported(1)), 3);
    } traces "
        function call: charm_tracing_test_length
          event: body
        function call: exported
        function call: exported
    "

    bodies {
        union Bits {
            float: f32,
            integer: u32,
        }

        #[trace_type]
        impl Bits {
            fn integer(&self) -> Result<u32, u32> {
                match unsafe { self.integer } {
                    0 => Err(0),
                    integer => Ok(integer),
                }
            }
        }

        #[trace_fn]
        fn counts(step: u8) -> Result<u8, u8> {
            static mut COUNT: u8 = 0;
            unsafe {
                COUNT += step;
                if COUNT > 2 { Err(COUNT) } else { Ok(COUNT) }
            }
        }

        #[trace_fn]
        fn vectors(values: &[u32; 2]) -> Option<&u32> {
            // SAFETY: there are two.
            let last = unsafe { values.get_unchecked(1) };
            (*last > 0).then_some(last)
        }
    } runs {
        assert_eq!((Bits { float: 0.0 }.integer(), Bits { float: 1.0 }.integer()), (Err(0), Ok(0x3f80_0000)));
        assert_eq!((counts(2), counts(2)), (Ok(2), Err(4)));
        assert_eq!(vectors(&[0, 1]), Some(&1));
    } traces "
        method call: Bits.integer [error: 0]
        method call: Bits.integer
        function call: counts
        function call: counts [error: 4]
        function call: vectors
    "
}
