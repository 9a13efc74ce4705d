//! Code that compiles without charm-tracing compiles with it, in a library that has it without the feature `session`:
//! `==` alone tells the type of its right side only as long as a single `PartialEq` of the left one is known, in any
//! crate that is linked.
//!
//! A dependency with `impl PartialEq<Foreign> for u8` breaks all of this from afar. The feature `session` has two:
//! `serde_json`, with all types of numbers and `bool`, and `http`, with `u16`. Texts are compared with several types by
//! `core` itself.

#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "this is what it is about")]

use charm_tracing::trace_fn;

macro_rules! inferred {
    ($($name:ident: $ty:ty = $text:literal;)+) => { $(
        /// Compares what is only known to be comparable.
        ///
        /// # Panics
        ///
        /// It does not.
        #[trace_fn]
        pub fn $name(value: $ty) {
            let (values, none): (&[$ty], [$ty; 0]) = (&[value], []);
            assert_ne!(values, &[]);
            assert_eq!(none, []);
            assert_eq!(&none[..], []);
            assert!(value == $text.parse().unwrap());
            assert!($text.parse::<$ty>().unwrap() == $text.parse().unwrap());
            assert!(value >= $text.parse().unwrap());
            assert!(Some(value) != Default::default());
            assert!(values.first().copied() == Some($text.parse().unwrap()));
            assert!((value, ()) == ($text.parse().unwrap(), ()));
            assert!(values.contains(&$text.parse().unwrap()));
            assert!(Ok::<_, ()>(value) == values.iter().copied().next().ok_or(Default::default()));
        }
    )+ };
}
inferred! {
    an_u8: u8 = "1";
    an_u16: u16 = "1";
    an_u32: u32 = "1";
    an_u64: u64 = "1";
    an_u128: u128 = "1";
    an_usize: usize = "1";
    an_i8: i8 = "1";
    an_i16: i16 = "1";
    an_i32: i32 = "1";
    an_i64: i64 = "1";
    an_i128: i128 = "1";
    an_isize: isize = "1";
    an_f32: f32 = "1";
    an_f64: f64 = "1";
    a_bool: bool = "true";
    a_char: char = "1";
}

/// Checks inference by other operators, and from literals.
///
/// # Panics
///
/// It does not.
#[trace_fn]
pub fn in_passing(bytes: &[u8], texts: &[&str]) {
    let (mut index, total): (usize, u64) = (bytes.len(), bytes.iter().copied().map(u64::from).sum());
    index += texts.iter().map(|text| text.len()).sum::<usize>();
    assert!(index >= texts.len().max("0".parse().unwrap()));
    assert!(total == u64::from(bytes[0]) + "1".parse::<u64>().unwrap());
    assert_eq!(bytes, [1, 1]);
    assert_eq!(bytes, &[1, 1]);
    assert_eq!(&bytes[..0], &[]);
    assert_eq!(texts, ["a"]);
    assert_eq!(texts.concat().as_str(), "a");
    assert_eq!(texts.first().copied().unwrap_or_default(), "a");
    assert!(bytes.iter().map(|byte| f64::from(*byte)).all(|byte| byte * 2.0 > 1.0));
    assert!(bytes.iter().max() == bytes.first());
}
