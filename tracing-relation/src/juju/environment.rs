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

/// The variables of the dispatch.
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

    /// Returns the path that Juju dispatched, such as `hooks/update-status` or `actions/backup`.
    ///
    /// # Errors
    ///
    /// `JUJU_DISPATCH_PATH` is absent, as in `juju exec`, or not UTF-8.
    pub fn dispatch_path(&self) -> Result<&str, EnvironmentError> {
        self.require("JUJU_DISPATCH_PATH")
    }

    /// Returns the name of the unit, such as `app/0`.
    ///
    /// # Errors
    ///
    /// `JUJU_UNIT_NAME` is absent, or not an application and a number.
    pub fn unit_name(&self) -> Result<&str, EnvironmentError> {
        self.unit().map(|(name, _, _)| name)
    }

    /// Returns the name of the unit's application.
    ///
    /// # Errors
    ///
    /// The errors are those of [`unit_name`](Self::unit_name).
    pub fn application(&self) -> Result<&str, EnvironmentError> {
        self.unit().map(|(_, application, _)| application)
    }

    /// Returns the unit's number within its application.
    ///
    /// # Errors
    ///
    /// The errors are those of [`unit_name`](Self::unit_name).
    pub fn unit_number(&self) -> Result<u32, EnvironmentError> {
        self.unit().map(|(_, _, number)| number)
    }

    /// Returns the name of the model.
    ///
    /// # Errors
    ///
    /// `JUJU_MODEL_NAME` is absent or not UTF-8.
    pub fn model_name(&self) -> Result<&str, EnvironmentError> {
        self.require("JUJU_MODEL_NAME")
    }

    /// Returns the UUID of the model.
    ///
    /// # Errors
    ///
    /// `JUJU_MODEL_UUID` is absent or not UTF-8.
    pub fn model_uuid(&self) -> Result<&str, EnvironmentError> {
        self.require("JUJU_MODEL_UUID")
    }

    fn unit(&self) -> Result<(&str, &str, u32), EnvironmentError> {
        let name = self.require("JUJU_UNIT_NAME")?;
        let parts = name.split_once('/').filter(|(application, _)| !application.is_empty());
        parts
            .and_then(|(application, digits)| Some((name, application, number(digits)?)))
            .ok_or_else(|| malformed("JUJU_UNIT_NAME", name, "an application and a number, such as app/0"))
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

    #[test]
    fn unit_names_are_validated() {
        let dispatch = |name| Dispatch::from_vars([("JUJU_UNIT_NAME", name)]);
        let unit = dispatch("my-app/12");
        assert_eq!((unit.unit_name(), unit.application()), (Ok("my-app/12"), Ok("my-app")));
        assert_eq!(unit.unit_number(), Ok(12));
        for name in ["app", "app/", "/0", "app/x", "app/0/1", "app/-1", "app/+1"] {
            let error = dispatch(name).unit_name().expect_err(name).to_string();
            assert!(error.starts_with(&format!("cannot read JUJU_UNIT_NAME={name:?}: expected")), "{error}");
        }
    }
}
