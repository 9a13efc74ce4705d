use serde_json::{Value, json};

use super::arguments::{Arguments, FORMAT, switch, value};
use super::call::Call;
use super::output::render;
use super::result::{Printed, ToolResult};
use super::secret::id_in;
use super::version::REFUSED;

pub(super) fn get(call: &mut Call<'_>) -> Printed {
    let flags = [FORMAT, value(&["label"]), switch(&["peek"]), switch(&["refresh"])];
    let args = Arguments::parse(call.args, &flags)?;
    let asked = asked(&args)?;
    let (peek, refresh) = (args.is_set("peek"), args.is_set("refresh"));
    if peek && refresh {
        return Err(ToolResult::usage("specify one of --peek or --refresh but not both"));
    }
    args.at_most(2)?;

    let secrets = &mut call.state.secrets;
    let secret = match &asked {
        Asked::Uri(id) => {
            secrets.get_mut(id).ok_or_else(|| ToolResult::failed(&format!("secret {id:?} not found")))?
        }
        Asked::Label(label) => secrets
            .values_mut()
            .find(|secret| secret.has_label(label))
            .ok_or_else(|| ToolResult::failed(&format!("consumer label {label:?} not found")))?,
    };
    if !secret.granted {
        return Err(ToolResult::failed(REFUSED));
    }
    if let (Asked::Uri(_), Some(label)) = (&asked, args.value("label")) {
        secret.label = Some(label.to_owned());
    }
    let latest = secret.revisions.len() - 1;
    let revision = if peek || refresh { latest } else { secret.tracked.unwrap_or(latest) };
    if !peek {
        secret.tracked = Some(revision);
    }
    let Some(content) = &secret.revisions[revision] else {
        return Err(ToolResult::failed(&format!("secret revision {} not found", revision + 1)));
    };
    let answer = match args.positional.get(1) {
        None => json!(content),
        Some(key) => match content.get(key) {
            Some(value) => json!(value),
            None => return Err(ToolResult::failed(&format!("secret key value {key:?} not found"))),
        },
    };
    Ok(render(&answer, yaml_or(&args)))
}

pub(super) fn info(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT, value(&["label"])])?;
    let asked = asked(&args)?;
    if matches!(asked, Asked::Uri(_)) && args.value("label").is_some_and(|label| !label.is_empty()) {
        return Err(ToolResult::usage("specify either a secret URI or label but not both"));
    }
    args.at_most(1)?;
    let mut own = call.state.secrets.iter().filter_map(|(id, secret)| {
        let owned = secret.owned.as_ref()?;
        Some((id, owned, secret))
    });
    let (Asked::Uri(want) | Asked::Label(want)) = &asked;
    let found = own.find(|(id, owned, _)| match &asked {
        Asked::Uri(want) => *id == want,
        Asked::Label(want) => owned.label == *want,
    });
    let Some((id, owned, secret)) = found else {
        return Err(ToolResult::failed(&format!("secret {want:?} not found")));
    };
    let revision = secret.revisions.len();
    let kind = if owned.by_unit { "unit" } else { "application" };
    let mut shown = json!({"revision": revision, "label": owned.label, "owner": kind});
    for (key, value) in [("rotation", &owned.rotation), ("description", &owned.description)] {
        if let Some(value) = value {
            shown[key] = json!(value);
        }
    }
    Ok(render(&Value::Object([(id.clone(), shown)].into_iter().collect()), yaml_or(&args)))
}

enum Asked {
    Uri(String),
    Label(String),
}

fn asked(args: &Arguments) -> Result<Asked, ToolResult> {
    match (args.positional.first(), args.value("label")) {
        (Some(uri), _) => match id_in(uri) {
            Some(id) => Ok(Asked::Uri(id.to_owned())),
            None => Err(ToolResult::usage(&format!("secret URI {uri:?} not valid"))),
        },
        (None, Some(label)) if !label.is_empty() => Ok(Asked::Label(label.to_owned())),
        _ => Err(ToolResult::usage("require either a secret URI or label")),
    }
}

/// Returns the output format. Its default is YAML, because these tools have no `smart` format.
fn yaml_or(args: &Arguments) -> &str {
    args.value("format").unwrap_or("yaml")
}

#[cfg(test)]
mod tests {
    use crate::juju::testing::Model;
    use crate::juju::testing::model::told;

    #[test]
    fn secrets_are_read_as_juju_does() {
        let juju = Model::new("app/0");
        let uri = juju.add_secret(&[("key", "s3cret!")]);
        let cases = [
            (format!("secret-get {uri} --format json"), "0 {\"key\":\"s3cret!\"}\n".to_owned()),
            (format!("secret-get {uri} key"), "0 s3cret!\n".to_owned()),
            (
                format!("secret-get {uri} --peek --refresh"),
                "2 ERROR specify one of --peek or --refresh but not both\n".to_owned(),
            ),
            ("secret-get".to_owned(), "2 ERROR require either a secret URI or label\n".to_owned()),
            ("secret-get x".to_owned(), "2 ERROR secret URI \"x\" not valid\n".to_owned()),
            (
                "secret-get secret:cd88u16ffbaql5kgmlh0".to_owned(),
                "1 ERROR secret \"cd88u16ffbaql5kgmlh0\" not found\n".to_owned(),
            ),
            ("secret-get --label db".to_owned(), "1 ERROR consumer label \"db\" not found\n".to_owned()),
            (format!("secret-get {uri} key other"), "2 ERROR unrecognized args: [\"other\"]\n".to_owned()),
        ];
        for (line, expected) in cases {
            assert_eq!(told(&juju, &line), expected, "{line}");
        }
        juju.set_juju_version("2.9.51");
        let unknown = "1 ERROR bad request: unknown hook command: secret-get\n";
        assert_eq!(told(&juju, &format!("secret-get {uri}")), unknown);
        juju.set_juju_version("3.1.0");
        juju.remove_secret(&uri);
        assert!(told(&juju, &format!("secret-get {uri}")).ends_with(" not found\n"));
    }

    #[test]
    fn only_own_secrets_are_described() {
        let juju = Model::new("app/0");
        let own = juju.add_own_secret("db", &[("key", "s3cret!")]);
        let other = juju.add_secret(&[("key", "s3cret!")]);
        let id = own.trim_start_matches("secret:");
        let shown = format!(
            "0 {{\"{id}\":{{\"label\":\"db\",\"owner\":\"application\",\"revision\":1,\"rotation\":\"never\"}}}}\n"
        );
        assert_eq!(told(&juju, &format!("secret-info-get {own} --format=json")), shown);
        assert_eq!(told(&juju, "secret-info-get --label=db --format=json"), shown);
        let not_found = format!("1 ERROR secret {:?} not found\n", other.trim_start_matches("secret:"));
        assert_eq!(told(&juju, &format!("secret-info-get {other}")), not_found);
        assert_eq!(
            told(&juju, &format!("secret-info-get {own} --label db")),
            "2 ERROR specify either a secret URI or label but not both\n"
        );
    }
}
