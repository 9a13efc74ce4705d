//! The tools for secrets that the unit or its application owns. All but `secret-ids` write, so that their changes are dropped
//! with a failed hook.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arguments::{Arguments, FORMAT, Flag, RELATION, value};
use super::call::{Call, pairs};
use super::output::render_list;
use super::relation_tools::relation;
use super::result::{Printed, ToolResult};
use super::secret::{Content, Owned, Secret, id_in};
use super::state::Leadership;

const DESCRIPTION: [Flag; 6] = [
    value(&["expire"]),
    value(&["rotate"]),
    value(&["description"]),
    value(&["label"]),
    value(&["file"]),
    value(&["owner"]),
];

pub(super) fn add(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &DESCRIPTION)?;
    if args.positional.is_empty() && args.value("file").is_none() {
        return Err(ToolResult::usage("missing secret value or filename"));
    }
    let content = content(&args, call.stdin, &args.positional)?;
    let mut owned = Owned { rotation: Some("never".to_owned()), ..Owned::default() };
    owned.by_unit = match args.value("owner") {
        None | Some("application") => false,
        Some("unit") => true,
        Some(other) => return Err(ToolResult::usage(&format!("secret owner {other:?} not valid"))),
    };
    describe(&mut owned, &args);
    check_leader(call, &owned)?;
    if content.is_empty() {
        return Err(ToolResult::failed("empty secret value not valid"));
    }
    let id = call.state.add_secret(Secret::new(Some(owned), content));
    Ok(format!("secret:{id}\n"))
}

pub(super) fn set(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &DESCRIPTION)?;
    let (id, words) = secret_id(&args)?;
    let content = content(&args, call.stdin, words)?;
    let (owned, revisions) = own(call, id)?;
    describe(owned, &args);
    if !content.is_empty() && revisions.last() != Some(&Some(content.clone())) {
        revisions.push(Some(content));
    }
    Ok(String::new())
}

pub(super) fn remove(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[value(&["revision"])])?;
    let (id, _) = secret_id(&args)?;
    args.at_most(1)?;
    let revision = args.value("revision").map(str::parse::<usize>);
    let (_, revisions) = own(call, id)?;
    match revision {
        None | Some(Ok(0)) => _ = call.state.secrets.remove(id),
        Some(Ok(revision)) => {
            if let Some(removed) = revisions.get_mut(revision - 1) {
                *removed = None;
            }
            if revisions.iter().all(Option::is_none) {
                call.state.secrets.remove(id);
            }
        }
        Some(Err(_)) => return Err(ToolResult::usage("invalid value for option --revision")),
    }
    Ok(String::new())
}

pub(super) fn grant(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[RELATION, value(&["unit"])])?;
    let (id, _) = secret_id(&args)?;
    let (relation_id, _) = relation(call, &args)?;
    args.at_most(1)?;
    own(call, id)?.0.granted_over.insert(relation_id);
    Ok(String::new())
}

pub(super) fn revoke(call: &mut Call<'_>) -> Printed {
    let flags = [RELATION, value(&["app", "application"]), value(&["unit"])];
    let args = Arguments::parse(call.args, &flags)?;
    let (id, _) = secret_id(&args)?;
    let named = args.value("app").or(args.value("unit").and_then(|unit| unit.split('/').next()));
    let revoked: Vec<u32> = match named {
        Some(app) => {
            let relations = call.state.relations.iter();
            relations.filter(|(_, relation)| relation.remote_app == app).map(|(id, _)| *id).collect()
        }
        None => match relation(call, &args) {
            Ok((id, _)) => vec![id],
            Err(error) if args.value("r").is_some() => return Err(error),
            Err(_) => return Err(ToolResult::usage("missing relation or application or unit")),
        },
    };
    args.at_most(1)?;
    own(call, id)?.0.granted_over.retain(|relation| !revoked.contains(relation));
    Ok(String::new())
}

pub(super) fn ids(call: &mut Call<'_>) -> Printed {
    let args = Arguments::parse(call.args, &[FORMAT])?;
    args.at_most(0)?;
    let ids: Vec<_> = call.state.own_secrets().map(|(id, _)| id).collect();
    Ok(render_list(&ids, args.format()))
}

/// Splits the positional arguments into the id of the secret and the rest.
fn secret_id(args: &Arguments) -> Result<(&str, &[String]), ToolResult> {
    let Some((uri, rest)) = args.positional.split_first() else {
        return Err(ToolResult::usage("missing secret URI"));
    };
    let id = id_in(uri).ok_or_else(|| ToolResult::usage(&format!("secret URI {uri:?} not valid")))?;
    Ok((id, rest))
}

/// Returns an own secret that the unit may change.
fn own<'a>(
    call: &'a mut Call<'_>,
    id: &str,
) -> Result<(&'a mut Owned, &'a mut Vec<Option<Content>>), ToolResult> {
    let not_found = || ToolResult::failed(&format!("secret {id:?} not found"));
    let owned = call.state.secrets.get(id).and_then(|secret| secret.owned.clone());
    check_leader(call, &owned.ok_or_else(not_found)?)?;
    let secret = call.state.secrets.get_mut(id).ok_or_else(not_found)?;
    Ok((secret.owned.as_mut().ok_or_else(not_found)?, &mut secret.revisions))
}

fn check_leader(call: &Call<'_>, owned: &Owned) -> Result<(), ToolResult> {
    if owned.by_unit || call.state.leadership == Leadership::Leader {
        Ok(())
    } else {
        Err(ToolResult::failed("this unit is not the leader"))
    }
}

fn describe(owned: &mut Owned, args: &Arguments) {
    if let Some(label) = args.value("label") {
        label.clone_into(&mut owned.label);
    }
    if let Some(description) = args.value("description") {
        owned.description = Some(description.to_owned());
    }
    if let Some(rotation) = args.value("rotate") {
        owned.rotation = Some(rotation.to_owned());
    }
}

/// Reads the content of a command line: `key=value`, `key#base64=value` and `key#file=path`.
fn content(args: &Arguments, stdin: &[u8], words: &[String]) -> Result<Content, ToolResult> {
    let mut content = Content::new();
    for (key, value) in pairs(args.value("file"), stdin, words)? {
        let unreadable = |why: String| ToolResult::usage(&format!("secret value of {key:?}: {why}"));
        let (key, value) = if let Some(name) = key.strip_suffix("#base64") {
            let bytes = STANDARD.decode(&value).map_err(|error| unreadable(error.to_string()))?;
            (name, String::from_utf8_lossy(&bytes).into_owned())
        } else if let Some(name) = key.strip_suffix("#file") {
            (name, std::fs::read_to_string(&value).map_err(|error| unreadable(error.to_string()))?)
        } else {
            (key.as_str(), value)
        };
        content.insert(key.to_owned(), value);
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use crate::juju::testing::model::told;
    use crate::juju::testing::{HookContext, Model};

    fn leader() -> Model {
        let juju = Model::new("app/0");
        juju.set_leader(true);
        juju
    }

    fn added(juju: &Model, line: &str) -> String {
        let printed = told(juju, line);
        printed.strip_prefix("0 ").unwrap_or_else(|| panic!("{line}: {printed}")).trim_end().to_owned()
    }

    #[test]
    fn the_owner_adds_revisions_and_describes_its_secret() {
        let juju = leader();
        let uri = added(&juju, "secret-add --label db --description why key=one binary#base64=dHdv");
        assert_eq!(
            told(&juju, "secret-get --label db --format=json"),
            "0 {\"binary\":\"two\",\"key\":\"one\"}\n"
        );
        assert_eq!(told(&juju, &format!("secret-set {uri} --rotate daily key=three")), "0 ");
        assert_eq!(told(&juju, &format!("secret-get {uri} key")), "0 one\n", "it is tracked");
        assert_eq!(told(&juju, &format!("secret-get {uri} --refresh key")), "0 three\n");
        let id = uri.trim_start_matches("secret:");
        let described = format!(
            "0 {{\"{id}\":{{\"description\":\"why\",\"label\":\"db\",\"owner\":\"application\",\"revision\":2,\
             \"rotation\":\"daily\"}}}}\n"
        );
        assert_eq!(told(&juju, "secret-info-get --label db --format=json"), described);
        assert_eq!(told(&juju, "secret-ids --format=json"), format!("0 [\"{id}\"]\n"));
        assert_eq!(told(&juju, &format!("secret-remove {uri} --revision 1")), "0 ");
        assert_eq!(told(&juju, &format!("secret-get {uri} key")), "0 three\n");
        assert_eq!(told(&juju, &format!("secret-remove {uri}")), "0 ");
        assert_eq!(told(&juju, &format!("secret-get {uri}")), format!("1 ERROR secret {id:?} not found\n"));
        let next = added(&juju, "secret-add key=four");
        assert_ne!(next, uri, "an id is not used again");
    }

    #[test]
    fn a_secret_is_granted_over_relations() {
        let juju = leader();
        let relation = juju.add_relation("db", "web", &["web/0"]);
        let uri = added(&juju, "secret-add key=one");
        assert!(!juju.is_secret_granted(&uri, relation));
        assert_eq!(told(&juju, &format!("secret-grant {uri} -r db:{relation}")), "0 ");
        assert!(juju.is_secret_granted(&uri, relation));
        for revocation in [format!("-r {relation}"), "--app web".to_owned(), "--unit web/0".to_owned()] {
            assert_eq!(told(&juju, &format!("secret-grant {uri} -r {relation}")), "0 ");
            assert_eq!(told(&juju, &format!("secret-revoke {uri} {revocation}")), "0 ");
            assert!(!juju.is_secret_granted(&uri, relation), "{revocation}");
        }
        assert_eq!(told(&juju, &format!("secret-grant {uri}")), "2 ERROR no relation id specified\n");
        let missing = "2 ERROR missing relation or application or unit\n";
        assert_eq!(told(&juju, &format!("secret-revoke {uri}")), missing);
    }

    #[test]
    fn secrets_of_the_application_are_the_leaders_alone() {
        let juju = leader();
        let uri = added(&juju, "secret-add key=one");
        juju.set_leader(false);
        let refused = "1 ERROR this unit is not the leader\n";
        assert_eq!(told(&juju, "secret-add key=one"), refused);
        assert_eq!(told(&juju, &format!("secret-set {uri} key=two")), refused);
        let own = added(&juju, "secret-add --owner unit key=one");
        assert_eq!(told(&juju, &format!("secret-set {own} key=two")), "0 ");
        let of_others = juju.add_secret(&[("key", "x")]);
        assert!(told(&juju, &format!("secret-set {of_others} key=two")).ends_with(" not found\n"));
    }

    #[test]
    fn mistakes_are_refused() {
        let juju = leader();
        for (line, refusal) in [
            ("secret-add", "2 ERROR missing secret value or filename\n"),
            ("secret-add --owner model a=b", "2 ERROR secret owner \"model\" not valid\n"),
            ("secret-add a", "2 ERROR expected \"key=value\", got \"a\"\n"),
            ("secret-set", "2 ERROR missing secret URI\n"),
            ("secret-set x a=b", "2 ERROR secret URI \"x\" not valid\n"),
            ("secret-remove", "2 ERROR missing secret URI\n"),
        ] {
            assert_eq!(told(&juju, line), refusal, "{line}");
        }
        assert!(told(&juju, "secret-add a#base64=?").starts_with("2 ERROR secret value of \"a#base64\": "));
        assert!(
            told(&juju, "secret-add a#file=/nowhere").starts_with("2 ERROR secret value of \"a#file\": ")
        );
    }

    #[test]
    fn what_a_failed_hook_did_to_secrets_is_dropped() {
        let juju = leader();
        let kept = added(&juju, "secret-add --label kept key=one");
        juju.begin_hook(HookContext::new());
        let dropped = added(&juju, "secret-add --label dropped key=two");
        assert_eq!(told(&juju, &format!("secret-set {kept} key=three")), "0 ");
        juju.abort_hook();
        assert_eq!(juju.own_secrets(), [kept.as_str()]);
        assert_eq!(juju.secret_content(&kept).expect("kept")["key"], "one");
        assert_eq!(juju.secret_content(&dropped), None);

        juju.begin_hook(HookContext::new());
        assert_eq!(told(&juju, &format!("secret-remove {kept}")), "0 ");
        juju.abort_hook();
        assert_eq!(juju.own_secrets(), [kept.as_str()]);
        assert!(told(&juju, &format!("secret-remove {kept}")).starts_with("0 "));
        assert!(juju.own_secrets().is_empty());
    }
}
