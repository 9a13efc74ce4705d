//! The attributes leave no trace in the documentation of what carries them: `.ci/run docs` writes the documentation of
//! this library with the feature `traced` and without, and compares all files.

use std::error::Error;
use std::fmt;
use std::path::Path;

// Either way: a page tells of what any crate that is linked implements for all types.
use charm_tracing as _;

/// A function with a `#[must_use]`.
#[must_use = "a sum is no use alone"]
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
pub fn sum(one: u8, another: u8) -> u8 {
    one + another
}

/// A function that fails, whose arguments are patterns.
///
/// # Errors
///
/// The file cannot be read.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn(name = "read", attributes(units = units.len())))]
pub fn read((path, _): (&Path, u8), mut text: String, units @ [_, ..]: &[u8; 3]) -> std::io::Result<String> {
    text.push_str(&std::fs::read_to_string(path)?);
    text.extend(units.iter().map(u8::to_string));
    Ok(text)
}

/// An argument that is changed, one that is by reference, and one that is ignored.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
#[must_use]
pub fn patterns(mut number: u8, Point { x, .. }: Point, _: u8) -> u8 {
    number += u8::try_from(x).unwrap_or_default();
    number
}

/// A function that changes its arguments and fails.
///
/// # Errors
///
/// Never.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
pub fn fallible_patterns(mut number: u8, Point { x, mut y }: Point, _: u8) -> Result<u8, Failure> {
    number += 1;
    y += x;
    u8::try_from(y).map(|y| y + number).map_err(|_| Failure)
}

/// An `async fn`.
///
/// # Errors
///
/// Never.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
pub async fn fetch<'a, T>(mut retries: u8, url: &'a T) -> Result<&'a str, Failure>
where
    T: AsRef<str> + Sync + ?Sized + 'a,
{
    retries += std::future::ready(1).await;
    if retries > 3 { Err(Failure) } else { Ok(url.as_ref()) }
}

/// `impl Trait` on both sides.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
pub fn doubled(numbers: impl IntoIterator<Item = u8>) -> impl Iterator<Item = u8> {
    numbers.into_iter().map(|number| number * 2)
}

/// `impl Future`.
///
/// # Errors
///
/// Never.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
pub fn later<'a>(
    text: &'a str,
    other: &str,
) -> impl Future<Output = Result<usize, Failure>> + Send + use<'a> {
    let others = other.len();
    async move { Ok(text.len() + others) }
}

/// `impl Trait` in a `Result`.
///
/// # Errors
///
/// Never.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
pub fn words(text: &str) -> Result<impl Iterator<Item = &str> + '_, Box<dyn Error + Send + Sync>> {
    Ok(text.split(' '))
}

/// A function that tells of its caller.
///
/// # Errors
///
/// No number.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
#[track_caller]
pub fn number<const N: usize>(texts: [&str; N]) -> Result<usize, std::num::ParseIntError> {
    let mut sum = 0;
    for text in texts {
        sum += text.parse::<usize>()?;
    }
    Ok(sum)
}

/// A function that nobody should call any more.
#[deprecated(since = "0.1.0", note = "use `sum`")]
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
#[must_use]
pub fn add(one: u8, another: u8) -> u8 {
    one + another
}

/// Not there.
#[doc(hidden)]
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
pub fn hidden() {}

/// A function of C's.
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
#[cold]
#[must_use]
pub extern "C" fn callback(number: u32) -> u32 {
    number
}

#[doc = concat!("A function whose documentation is ", "put together.")]
#[doc(alias = "assembled")]
#[cfg_attr(feature = "traced", charm_tracing::trace_fn)]
pub fn composed() {}

/// Where something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Upwards.
    pub y: i32,
}

/// A failure.
#[derive(Debug)]
pub struct Failure;

/// The documentation of a block.
#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
impl Point {
    /// A constant.
    pub const ZERO: Self = Self::new(0, 0);

    /// A `const fn`.
    #[must_use]
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    /// By value.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn moved(mut self, by: Self) -> Result<Self, Failure> {
        self.x += by.x;
        Ok(self)
    }

    /// By reference.
    pub fn shift(&mut self, mut by: i32) -> &mut Self {
        by += 1;
        self.x += by;
        self
    }

    /// In a box.
    #[must_use]
    pub fn boxed(self: Box<Self>) -> Box<Self> {
        self
    }

    /// `async`, and generic.
    ///
    /// # Errors
    ///
    /// Those of the canvas.
    pub async fn draw<W: fmt::Write>(&self, mut canvas: W) -> fmt::Result {
        canvas.write_char(std::future::ready('.').await)
    }

    /// With a span of its own.
    #[cfg_attr(feature = "traced", charm_tracing::trace_fn(name = "far"))]
    #[must_use]
    pub fn is_far(&self) -> bool {
        self.x > 100
    }

    /// Not there.
    #[doc(hidden)]
    pub fn hidden(&self) {}

    fn private(self) -> i32 {
        self.x
    }
}

#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "({}, {})", self.private(), self.y)
    }
}

/// A block with parameters that are the trait's.
#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
impl<T: Into<i32>> From<(T, T)> for Point {
    fn from((x, y): (T, T)) -> Self {
        Self { x: x.into(), y: y.into() }
    }
}

/// An error.
#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("failed")
    }
}

impl Error for Failure {}

/// A generic type.
#[derive(Debug)]
pub struct Stack<T, const N: usize = 3>(Vec<T>);

#[cfg_attr(feature = "traced", charm_tracing::trace_type(skip(len)))]
impl<T: Clone, const N: usize> Stack<T, N>
where
    T: fmt::Debug,
{
    /// Puts one on top.
    ///
    /// # Errors
    ///
    /// There is no place.
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.0.len() == N {
            return Err(value);
        }
        self.0.push(value);
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
impl<T, const N: usize> IntoIterator for Stack<T, N> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A trait with methods that have a body.
#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
pub trait Probe {
    /// A type.
    type Value: Default;
    /// A constant.
    const LIMIT: u8 = 3;

    /// Required.
    fn measure(&mut self, at: Point) -> Option<Self::Value>;

    /// Provided.
    ///
    /// # Errors
    ///
    /// Nothing was measured.
    fn probe(&mut self, mut at: Point) -> Result<Self::Value, Failure>
    where
        Self: Sized,
    {
        at.x += 1;
        self.measure(at).ok_or(Failure)
    }

    /// Provided, by value.
    #[must_use]
    fn finish(self, (_, _): (u8, u8)) -> Self::Value
    where
        Self: Sized,
    {
        Self::Value::default()
    }

    /// Provided, and deprecated.
    #[deprecated]
    fn reset(&mut self) {}
}

#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
impl<T> Probe for Stack<T, 1> {
    type Value = u8;

    fn measure(&mut self, mut at: Point) -> Option<u8> {
        at.x += 1;
        u8::try_from(at.x).ok()
    }
}

/// A trait that is implemented for everything.
pub trait Named {
    /// The name.
    ///
    /// # Errors
    ///
    /// There is none.
    fn name(&self) -> Result<String, Failure>;
}

#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
impl<T: fmt::Debug> Named for T {
    fn name(&self) -> Result<String, Failure> {
        Ok(format!("{self:?}"))
    }
}

/// A block of a trait object.
#[cfg_attr(feature = "traced", charm_tracing::trace_type)]
impl dyn Named {
    /// A method of a trait object.
    pub fn shout(&self) {}
}

/// Items inside of a module.
pub mod inner {
    use super::{Named, Point};

    /// A type of another module.
    #[derive(Debug)]
    pub enum Shape {
        /// A point.
        Dot(Point),
        /// Nothing.
        Empty,
    }

    #[cfg_attr(feature = "traced", charm_tracing::trace_type)]
    impl Shape {
        /// Names something else.
        pub fn named<T: Named + ?Sized>(&self, it: &T) -> String {
            it.name().unwrap_or_default()
        }
    }
}
