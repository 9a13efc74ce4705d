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
    fn smart_lists_have_a_line_per_item() {
        assert_eq!(render(&json!({"a": "b", "c": 1}), "smart"), "a: \"b\"\nc: 1\n");
        assert_eq!(render(&json!(["x:1"]), "yaml"), "- \"x:1\"\n");
    }
}
