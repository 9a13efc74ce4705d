//! A module without any prelude, in which the names of the standard library mean something else.
#![no_implicit_prelude]
#![allow(non_camel_case_types, dead_code)]

use ::charm_tracing::{trace_fn, trace_type};

/// In the place of the crates.
mod core {}
mod std {}
mod alloc {}
mod charm_tracing {}

/// In the place of the types.
enum Option {}
struct Some;
struct None;
struct Ok;
struct Err;
struct Box;
struct String;
trait From {}
trait Into {}
trait Drop {}
trait Send {}
trait Fn {}
struct bool;
struct str;

/// Half of an even number.
///
/// # Errors
///
/// The number is odd.
#[trace_fn(attributes(number = number))]
pub fn halve(number: u8) -> ::core::result::Result<u8, Odd> {
    if number % 2 == 1 {
        return ::core::result::Result::Err(Odd);
    }
    ::core::result::Result::Ok(number / 2)
}

/// The number is odd.
#[derive(::core::fmt::Debug)]
pub struct Odd;

/// Something that can be halved.
#[trace_type]
pub trait Halves {
    /// Returns a number.
    fn number(&self) -> u8;

    /// # Errors
    ///
    /// The number is odd.
    fn halved(&self) -> ::core::result::Result<u8, Odd> {
        let half = halve(self.number())?;
        ::core::result::Result::Ok(half)
    }
}

/// A number.
#[derive(::core::fmt::Debug)]
pub struct Whole(pub u8);

#[trace_type]
impl Halves for Whole {
    fn number(&self) -> u8 {
        self.0
    }
}

#[trace_type]
impl Whole {
    /// Half of it, some time.
    ///
    /// # Errors
    ///
    /// The number is odd.
    pub async fn later(&self) -> ::core::result::Result<u8, Odd> {
        self.halved()
    }

    /// Some time.
    pub fn future(self) -> impl ::core::future::Future<Output = u8> {
        async move { self.0 }
    }

    /// Told where it was called from.
    ///
    /// # Errors
    ///
    /// The number is odd.
    #[track_caller]
    pub fn tracked(&self) -> ::core::result::Result<u8, Odd> {
        let half = self.halved()?;
        ::core::result::Result::Ok(half)
    }
}
