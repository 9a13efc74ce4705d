use serde::de::DeserializeOwned;

use crate::juju::{Dispatch, HookToolCall, HookToolError};

/// The application's configuration.
impl Dispatch {
    /// Reads the configuration (`config-get`) as a type of the charm, such as a struct with a field for each option.
    ///
    /// Juju leaves out an option that has no value and no default, so its field must be an `Option` or have a default.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// # use std::sync::Arc;
    /// # use tracing_relation::juju::{Dispatch, testing::Model};
    /// # let juju = Model::new("app/0");
    /// # juju.set_config("http-port", 8080.into());
    /// # let dispatch = Dispatch::from_vars([("JUJU_UNIT_NAME", "app/0")]).with_hook_tools(Arc::new(juju));
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename_all = "kebab-case")]
    /// struct Config {
    ///     http_port: u16,
    ///     external_url: Option<String>,
    /// }
    ///
    /// let config: Config = dispatch.config_get()?;
    /// assert_eq!((config.http_port, config.external_url), (8080, None));
    /// # }
    /// # Ok::<(), tracing_relation::juju::HookToolError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The tool fails, or the configuration does not fit the type
    /// ([`InvalidOutput`](crate::juju::HookToolErrorKind::InvalidOutput)).
    pub fn config_get<T: DeserializeOwned>(&self) -> Result<T, HookToolError> {
        self.read(&config_get())
    }

    /// Reads one option of the configuration (`config-get NAME`). `None` if it has no value, or if there is no such
    /// option.
    ///
    /// # Errors
    ///
    /// The tool fails, or the value does not fit the type
    /// ([`InvalidOutput`](crate::juju::HookToolErrorKind::InvalidOutput)).
    pub fn config_get_option<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, HookToolError> {
        self.read(&config_get().arg("--").arg(name))
    }
}

fn config_get() -> HookToolCall {
    HookToolCall::new("config-get").arg("--format=json")
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use crate::juju::HookToolErrorKind;
    use crate::juju::tools::testing::{lines, unit};

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    struct Config {
        http_port: u16,
        external_url: Option<String>,
        #[serde(default)]
        debug: bool,
    }

    #[test]
    fn the_configuration_is_read_into_a_struct() {
        let (juju, dispatch) = unit();
        juju.set_config("http-port", json!(80));
        juju.set_config("external-url", json!(null));
        juju.set_config("unknown-to-the-struct", json!(0.5));
        let config: Config = dispatch.config_get().expect("it fits");
        assert_eq!(config, Config { http_port: 80, external_url: None, debug: false });
        let all: Value = dispatch.config_get().expect("any value fits");
        assert_eq!(all, json!({"http-port": 80, "unknown-to-the-struct": 0.5}));
        assert_eq!(lines(&juju), ["config-get|--format=json"; 2]);
    }

    #[test]
    fn an_option_without_a_value_is_none() {
        let (juju, dispatch) = unit();
        juju.set_config("greeting", json!("hello"));
        assert_eq!(dispatch.config_get_option("greeting").expect("text"), Some("hello".to_owned()));
        assert_eq!(dispatch.config_get_option::<String>("--all").expect("no such option"), None);
        let expected = ["config-get|--format=json|--|greeting", "config-get|--format=json|--|--all"];
        assert_eq!(lines(&juju), expected);
    }

    #[test]
    fn a_value_that_does_not_fit_is_invalid_output_that_says_why_without_its_text() {
        let (juju, dispatch) = unit();
        juju.set_config("http-port", json!(70000));
        let error = dispatch.config_get::<Config>().expect_err("it does not fit");
        assert_eq!(error.kind(), HookToolErrorKind::InvalidOutput);
        let cause = error.source().expect("a cause").to_string();
        assert_eq!(cause, "invalid value: integer `70000`, expected u16 at line 1 column 18");

        juju.set_config("http-port", json!("hunter2"));
        let error = dispatch.config_get_option::<u16>("http-port").expect_err("it does not fit");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        juju.answer_next("config-get", "{");
        assert_eq!(
            dispatch.config_get::<Value>().expect_err("no JSON").kind(),
            HookToolErrorKind::InvalidOutput
        );
    }
}
