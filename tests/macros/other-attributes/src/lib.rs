//! There is nothing here but the tests.
