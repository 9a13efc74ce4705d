use std::ffi::{OsStr, OsString};

use super::Dispatch;

/// The error of a variable that Juju sets, but that is missing or has an unexpected value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The variable is absent or empty: Juju did not start the process, or started it for another kind of event.
    #[error("cannot find {variable} in the environment")]
    Missing {
        /// The name of the variable.
        variable: String,
    },
    /// The variable has a value that Juju does not give it.
    #[error("cannot read {variable}={value:?}: expected {expected}")]
    Malformed {
        /// The name of the variable.
        variable: String,
        /// Its value; bytes that are not UTF-8 are replaced.
        value: String,
        /// The expected form.
        expected: &'static str,
    },
}

impl Dispatch {
    /// Returns a variable; `None` if it is absent, empty, or not UTF-8. Juju leaves variables empty that do not apply to
    /// the event.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.raw(name).and_then(OsStr::to_str)
    }

    /// Returns a variable that must be set.
    ///
    /// # Errors
    ///
    /// The variable is absent or empty, or not UTF-8.
    pub fn require(&self, name: &str) -> Result<&str, EnvironmentError> {
        self.optional(name)?.ok_or_else(|| EnvironmentError::Missing { variable: name.to_owned() })
    }

    /// Returns a variable; `None` if it is absent or empty, and an error if it is not UTF-8.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&str>, EnvironmentError> {
        let utf8 = |value: &OsStr| malformed(name, &value.to_string_lossy(), "UTF-8");
        self.raw(name).map(|value| value.to_str().ok_or_else(|| utf8(value))).transpose()
    }

    pub(super) fn raw(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(name).map(OsString::as_os_str)
    }
}

/// Reads a number of digits only; `None` for `+1`, which Rust would accept.
pub(super) fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

pub(super) fn malformed(variable: &str, value: &str, expected: &'static str) -> EnvironmentError {
    EnvironmentError::Malformed { variable: variable.to_owned(), value: value.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn empty_variables_count_as_absent() {
        let environment = Dispatch::from_vars([("JUJU_REMOTE_UNIT", "")]);
        assert_eq!(environment.var("JUJU_REMOTE_UNIT"), None);
        let error = environment.require("JUJU_REMOTE_UNIT").expect_err("absent");
        assert_eq!(error.to_string(), "cannot find JUJU_REMOTE_UNIT in the environment");
    }

    #[test]
    fn values_that_are_not_utf8_are_absent_or_an_error_that_names_the_variable() {
        let value = OsString::from_vec(b"a\xff".to_vec());
        let environment = Dispatch::from_vars([(OsString::from("JUJU_MODEL_NAME"), value)]);
        assert_eq!(environment.var("JUJU_MODEL_NAME"), None);
        let error = environment.require("JUJU_MODEL_NAME").expect_err("not UTF-8");
        assert_eq!(error.to_string(), "cannot read JUJU_MODEL_NAME=\"a\u{fffd}\": expected UTF-8");
    }
}
