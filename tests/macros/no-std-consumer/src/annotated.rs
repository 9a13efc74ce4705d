//! Annotated code that needs `core` only.

use core::fmt;
use core::future::Future;
use core::num::ParseIntError;

use charm_tracing::{trace_fn, trace_type};

/// A function that cannot fail.
#[trace_fn(attributes(bytes.count = bytes.len()))]
#[must_use]
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// A function that fails with an error of `core`.
///
/// # Errors
///
/// No number.
#[trace_fn]
pub fn parse(text: &str) -> Result<u32, ParseIntError> {
    let number = text.trim().parse()?;
    Ok(number)
}

/// Parses a number like `parse`, and is told where it was called from.
///
/// # Errors
///
/// No number.
#[track_caller]
#[trace_fn]
pub fn port(text: &str) -> Result<u32, ParseIntError> {
    parse(text)?;
    text.trim().parse()
}

/// A function that only formats.
///
/// # Errors
///
/// Those of the formatter.
#[trace_fn]
pub fn shown(unit: &Unit, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "{unit}")
}

/// An `async fn` that awaits a method which returns `impl Future`.
///
/// # Errors
///
/// Those of the unit.
#[trace_fn]
pub async fn poll_twice(unit: &Unit) -> Result<u8, BadUnit> {
    let first = unit.later().await;
    Ok(first + unit.check()?)
}

/// A unit of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit(pub u8);

/// An error without `core::error::Error`, and with a text.
#[derive(Debug)]
pub struct BadUnit(u8);

#[trace_type(skip(fmt))]
impl fmt::Display for BadUnit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "unit {} is bad", self.0)
    }
}

#[trace_type]
impl Unit {
    /// The highest number.
    pub const MAX: u8 = 9;

    /// # Errors
    ///
    /// The number is too high.
    pub fn check(&self) -> Result<u8, BadUnit> {
        if self.0 > Self::MAX {
            return Err(BadUnit(self.0));
        }
        Ok(self.0)
    }

    /// # Errors
    ///
    /// The number is too high.
    pub fn into_number(self) -> Result<u8, BadUnit> {
        self.check()
    }

    /// Its number, some time.
    pub fn later(&self) -> impl Future<Output = u8> + '_ {
        async move { self.0 }
    }
}

#[trace_type]
impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "app/{}", self.0)
    }
}

/// A trait of which a method has a body.
#[trace_type]
pub trait Probe {
    /// Returns what is measured.
    fn measure(&self) -> Option<u32>;

    /// # Errors
    ///
    /// Nothing was measured.
    fn probe(&self) -> Result<u32, fmt::Error> {
        self.measure().ok_or(fmt::Error)
    }
}

/// A generic type.
#[derive(Debug)]
pub struct Meter<T, const N: usize>(pub [T; N]);

#[trace_type(name = "Gauge")]
impl<T: Copy + Into<u32>, const N: usize> Probe for Meter<T, N> {
    fn measure(&self) -> Option<u32> {
        self.0.first().map(|value| (*value).into())
    }
}
