//! There is nothing here but the tests, which need what all other packages forbid.
