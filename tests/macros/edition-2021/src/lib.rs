//! There is nothing here but the tests, which belong to the package `tests` too.
