use serde_json::json;

use super::arguments::{Arguments, FORMAT, value};
use super::call::Call;
use super::output::{render, render_list};
use super::result::{Printed, ToolResult};

pub(super) fn list(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT])?;
    args.at_most(1)?;
    let name = args.positional.first().map(String::as_str);
    let is_asked = |id: &&String| name.is_none_or(|name| id.split('/').next() == Some(name));
    let ids: Vec<_> = call.state.storages.keys().filter(is_asked).collect();
    Ok(render_list(&ids, args.format()))
}

pub(super) fn get(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, value(&["s"])])?;
    args.at_most(1)?;
    let Some(id) = args.value("s").or(call.context.storage.as_deref()) else {
        return Err(ToolResult::usage("no storage instance specified"));
    };
    let Some(location) = call.state.storages.get(id) else {
        return Err(ToolResult::usage(&format!("invalid value {id:?} for option -s: storage not found")));
    };
    let answer = match args.positional.first().map(String::as_str) {
        None => json!({"kind": "filesystem", "location": location}),
        Some("kind") => json!("filesystem"),
        Some("location") => json!(location),
        Some(other) => return Err(ToolResult::failed(&format!("invalid storage attribute {other:?}"))),
    };
    Ok(render(&answer, args.format()))
}

#[cfg(test)]
mod tests {
    use crate::juju::testing::model::{told, told_in};
    use crate::juju::testing::{HookContext, Model};

    #[test]
    fn storage_is_listed_and_described() {
        let juju = Model::new("app/0");
        assert_eq!(told(&juju, "storage-list --format=json"), "0 []\n");
        assert_eq!(juju.add_storage("data", "/srv/0"), "data/0");
        assert_eq!(juju.add_storage("data", "/srv/1"), "data/1");
        assert_eq!(juju.add_storage("logs", "/srv/2"), "logs/2", "the numbers are those of the model");
        assert_eq!(told(&juju, "storage-list --format=json data"), "0 [\"data/0\",\"data/1\"]\n");
        assert_eq!(told(&juju, "storage-get -s data/1 location"), "0 /srv/1\n");
        assert_eq!(told(&juju, "storage-get location"), "2 ERROR no storage instance specified\n");
        let attached = HookContext::storage("data/0");
        let described = "0 {\"kind\":\"filesystem\",\"location\":\"/srv/0\"}\n";
        assert_eq!(told_in(&juju, &attached, &["storage-get", "--format=json"]), described);
        juju.remove_storage("data/0");
        assert_eq!(
            told_in(&juju, &attached, &["storage-get"]),
            "2 ERROR invalid value \"data/0\" for option -s: storage not found\n"
        );
    }
}
