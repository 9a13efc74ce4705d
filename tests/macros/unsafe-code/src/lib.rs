//! There is nothing here but the tests, and the charm that they run, which need what all other packages forbid.
