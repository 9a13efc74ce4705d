use serde_json::Value;

/// Returns the text that a tool prints for a value in the requested format.
pub(super) fn render(value: &Value, format: &str) -> String {
    match format {
        "json" => format!("{value}\n"),
        "yaml" => format!("{}\n", plain(value)),
        _ => match smart(value) {
            text if text.is_empty() => text,
            text => format!("{text}\n"),
        },
    }
}

/// Returns the text that a tool prints for a list of texts in the requested format. In Juju's default format it has a line for each;
/// a list of anything else, such as a parameter of an action, is YAML there.
pub(super) fn render_list<T: AsRef<str>>(items: &[T], format: &str) -> String {
    let items = items.iter().map(AsRef::as_ref);
    match format {
        "smart" => items.flat_map(|item| [item, "\n"]).collect(),
        _ => render(&items.collect(), format),
    }
}

/// Returns Juju's default format: plain text, `True` and `False`, and an empty text for null.
fn smart(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => plain(other),
    }
}

/// Returns block YAML for the flat values of the tools. A deeper value is JSON, which is flow YAML.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n")
        }
        Value::Object(map) if !map.is_empty() => {
            map.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_is_null_in_json_and_empty_in_smart() {
        assert_eq!(render(&Value::Null, "json"), "null\n");
        assert_eq!(render(&Value::Null, "smart"), "");
    }

    #[test]
    fn booleans_are_capitalised_in_smart_only() {
        assert_eq!(render(&json!(true), "json"), "true\n");
        assert_eq!(render(&json!(true), "smart"), "True\n");
    }

    #[test]
    fn lists_of_texts_are_lines_in_smart_only() {
        assert_eq!(render_list(&["x:1", "x:2"], "smart"), "x:1\nx:2\n");
        assert_eq!(render_list(&["x:1", "x:2"], "yaml"), "- \"x:1\"\n- \"x:2\"\n");
        assert_eq!(render_list(&["x:1"], "json"), "[\"x:1\"]\n");
        assert_eq!(["smart", "yaml"].map(|format| render_list::<&str>(&[], format)), ["", "[]\n"]);
    }

    #[test]
    fn what_is_no_list_of_texts_is_yaml_in_smart() {
        assert_eq!(render(&json!({"a": "b", "c": 1}), "smart"), "a: \"b\"\nc: 1\n");
        assert_eq!(render(&json!(["x:1"]), "smart"), "- \"x:1\"\n");
    }
}
