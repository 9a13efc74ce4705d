//! Tests of whole attributes, outside of a compiler.

mod expansions;
mod half_typed;
