use std::path::Path;

use charm_tracing::relation::{ProviderAppData, ReceiverProtocol};
use serde_json::Value as Json;

use super::finding::Finding;
use crate::stored::{OPS_DATABASE, contents, destination};

/// The file in which a charm remembers its relations.
const RELATIONS: &str = ".charm_tracing_relations";

const RELATE: &str =
    "relate it: juju integrate APP:tracing tempo:tracing; or name an endpoint to try with --endpoint";

const ASK_BACKEND: &str =
    "request it in the charm: ReceiverProtocol::OtlpHttp; only the leader of the application can";

const ASK_COLLECTOR: &str =
    "relate the collector to a tracing backend; request it in the charm: ReceiverProtocol::OtlpHttp";

/// Returns the endpoint that the charm has learnt over a relation, and says what it has learnt.
pub(super) fn endpoint(charm_dir: &Path, findings: &mut Vec<Finding>) -> Option<String> {
    let database = charm_dir.join(OPS_DATABASE);
    if database.is_file() {
        match destination(&database) {
            Ok(Some(url)) => {
                findings.push(Finding::good(format!("ops-tracing sends to {url}")));
                return Some(url);
            }
            Ok(None) => findings.push(Finding::bad("ops-tracing knows no endpoint", RELATE)),
            Err(error) => findings.push(Finding::bad(
                format!("cannot read {}: {error}", database.display()),
                "run the doctor as the user of the charm",
            )),
        }
        return None;
    }
    let file = charm_dir.join(RELATIONS);
    let text = match contents(&file) {
        Ok(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(None) => {
            let fact = "the charm remembers no relation: it has none, keeps its endpoint elsewhere, or was never dispatched here";
            findings.push(Finding::notice(fact, RELATE));
            return None;
        }
        Err(reason) => {
            let fact = format!("cannot read {}: {reason}", file.display());
            findings.push(Finding::bad(fact, "run the doctor as the user of the charm"));
            return None;
        }
    };
    // The first line has the format and a checksum.
    let record: Json =
        text.split_once('\n').and_then(|(_, json)| serde_json::from_str(json).ok()).unwrap_or_default();
    let mut endpoint = None;
    for (name, id, owner, databag) in databags(&record) {
        // The list of a collector without a backend is not readable: it has no URLs.
        let provider = ProviderAppData::load(&databag).ok();
        match provider.as_ref().and_then(|provider| provider.receiver(ReceiverProtocol::OtlpHttp)) {
            Some(receiver) => {
                findings.push(Finding::good(format!(
                    "{owner} offers {} over {name}, relation {id}",
                    receiver.url
                )));
                endpoint.get_or_insert_with(|| receiver.url.clone());
            }
            None => findings.push(Finding::bad(
                format!("{owner} offers no OTLP over HTTP over {name}, relation {id}"),
                // Over `cos_agent` the databag is that of a unit.
                if owner.contains('/') { ASK_COLLECTOR } else { ASK_BACKEND },
            )),
        }
    }
    if endpoint.is_none() {
        findings.push(Finding::bad("the charm has learnt no endpoint over a relation", RELATE));
    }
    endpoint
}

type Databag = std::collections::BTreeMap<String, String>;

/// Returns the databags with receivers: the endpoint of the charm, the id of the relation, who wrote it, and the databag.
///
/// The charm keeps what hook tools have printed by their command lines, such as
/// `relation-get -r tracing:3 --app --format=json - tempo`.
fn databags(record: &Json) -> Vec<(String, String, String, Databag)> {
    let endpoints = record["facts"]["endpoints"].as_object();
    let answers = endpoints.into_iter().flat_map(|endpoints| endpoints.values()).filter_map(Json::as_object);
    let mut found = Vec::new();
    for (line, output) in answers.flatten() {
        let mut words = line.split(' ');
        let (Some("relation-get"), Some(relation), Some(owner)) =
            (words.next(), words.nth(1), words.next_back())
        else {
            continue;
        };
        let (Some((name, id)), Some(output)) = (relation.split_once(':'), output.as_str()) else { continue };
        let databag: Databag = serde_json::from_str(output).unwrap_or_default();
        if databag.contains_key("receivers") {
            found.push((name.to_owned(), id.to_owned(), owner.to_owned(), databag));
        }
    }
    found
}
