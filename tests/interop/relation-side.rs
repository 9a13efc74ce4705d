//! Plays one side of relations for `tests/interop/relation.py` and `cos_agent.py`: a dispatch for each line of standard input.
//!
//! A line is a JSON object with the role of the charm, the variables of the dispatch, whether the unit is the leader,
//! what it can see of its relations, what the charm wants of the library, and whether the unit remembers its relations. The
//! line of the answer has what the charm has published, which events it was told, what else it found, and how many hook
//! tools that took. Nothing is kept from one line to the next but the file of a unit that remembers, which is in its
//! charm's directory, as with `charm_tracing`.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use tracing_relation::juju::Dispatch;
use tracing_relation::juju::testing::{HookContext, Model};
use tracing_relation::{
    CosAgentProvider, Receiver, ReceiverProtocol, Relation, TracingEndpointProvider, TracingEndpointRequirer,
    TracingError, TracingEvent, TracingProviderEvent, charm_tracing_config,
};

fn main() -> Result<()> {
    let mut answers = io::stdout().lock();
    for line in io::stdin().lines() {
        let line = line?;
        let answer = play(&line).with_context(|| format!("cannot play {line}"))?;
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

/// As `charm_tracing` calls it.
const RELATION_MEMORY: &str = ".charm_tracing_relations";

/// The library's work in one dispatch.
struct Played {
    events: Vec<Value>,
    finds: Value,
}

fn play(line: &str) -> Result<Value> {
    let asked: Value = serde_json::from_str(line)?;
    let vars = object(&asked["vars"])?.iter().map(|(name, value)| Ok((name, text(value)?)));
    let dispatch = Dispatch::from_vars(vars.collect::<Result<Vec<_>>>()?);
    let juju = Model::new(dispatch.unit_name()?);
    juju.set_leader(asked["leader"] == true);
    relate(&juju, list(&asked["relations"])?)?;
    let mut dispatch = dispatch.with_hook_tools(Arc::new(juju.clone()));
    if asked["remembers"] == true {
        let memory = dispatch.charm_dir().join(RELATION_MEMORY);
        dispatch = dispatch.with_relation_memory(memory);
    }

    juju.begin_hook(HookContext::from_dispatch(&dispatch));
    let played = match text(&asked["role"])? {
        "requirer" => play_requirer(&dispatch, text(&asked["endpoint"])?, &asked["charm"])?,
        "provider" => play_provider(&dispatch, text(&asked["endpoint"])?, &asked["charm"])?,
        "principal" => play_principal(&dispatch, text(&asked["endpoint"])?, &asked["charm"])?,
        other => bail!("there is no role {other}"),
    };
    dispatch.remember_relations();
    juju.commit_hook();

    let mut published = Map::new();
    for relation in list(&asked["relations"])? {
        let id = id_of(relation)?;
        let databag =
            if asked["role"] == "principal" { juju.local_unit_data(id) } else { juju.local_app_data(id) };
        published.insert(id.to_string(), json!(databag));
    }
    Ok(json!({
        "published": published,
        "events": played.events,
        "finds": played.finds,
        "tools": juju.calls().len(),
    }))
}

/// Adds the relations with the ids that they have. The model counts ids itself, so the ones between them are used up.
fn relate(juju: &Model, relations: &[Value]) -> Result<()> {
    let mut relations: Vec<_> =
        relations.iter().map(|relation| Ok((id_of(relation)?, relation))).collect::<Result<_>>()?;
    relations.sort_by_key(|(id, _)| *id);
    for (id, relation) in relations {
        let units = list(&relation["units"])?.iter().map(text).collect::<Result<Vec<_>>>()?;
        loop {
            let added = juju.add_relation(text(&relation["endpoint"])?, text(&relation["app"])?, &units);
            if added == id {
                break;
            }
            juju.remove_relation(added);
        }
        for (key, value) in object(&relation["local"])? {
            juju.set_local_app_data(id, key, text(value)?);
        }
        for (key, value) in object(&relation["remote"])? {
            juju.set_remote_app_data(id, key, text(value)?);
        }
        // Only relations of a principal with its subordinate have data of units.
        for (key, value) in relation["local_unit"].as_object().into_iter().flatten() {
            juju.set_local_unit_data(id, key, text(value)?);
        }
        for (unit, databag) in relation["remote_units"].as_object().into_iter().flatten() {
            for (key, value) in object(databag)? {
                juju.set_remote_unit_data(id, unit, key, text(value)?);
            }
        }
    }
    Ok(())
}

fn play_requirer(dispatch: &Dispatch, endpoint: &str, charm: &Value) -> Result<Played> {
    let tracing = TracingEndpointRequirer::new(dispatch, endpoint, &protocols(&charm["protocols"])?)?;
    let requested = match &charm["request"] {
        Value::Null => Value::Null,
        request => outcome(tracing.request_protocols(&protocols(request)?)),
    };
    let events = of_tracing_event(tracing.on(dispatch))?;

    let cert = charm["cert"].as_str().map(Path::new);
    let config =
        charm_tracing_config(&tracing, cert).map(|config| json!([config.endpoint, config.server_cert]));
    let mut relations = Vec::new();
    for relation in tracing.relations()? {
        relations.push(json!([
            of_relation(&relation),
            outcome(tracing.is_ready_on(&relation)),
            endpoints(|protocol| tracing.get_endpoint_on(protocol, &relation)),
        ]));
    }
    let finds = json!({
        "request": requested,
        "ready": outcome(tracing.is_ready()),
        "endpoints": endpoints(|protocol| tracing.get_endpoint(protocol)),
        "config": outcome(config),
        "relations": relations,
    });
    Ok(Played { events, finds })
}

fn play_provider(dispatch: &Dispatch, endpoint: &str, charm: &Value) -> Result<Played> {
    let tracing = TracingEndpointProvider::new(dispatch, endpoint)?;
    let published = match &charm["urls"] {
        Value::Null => Value::Null,
        urls => {
            let mut offered = names(tracing.requested_protocols()?);
            offered.extend(names(protocols(&charm["always"])?));
            let with_url = offered.iter().filter_map(|name| Some((name.parse().ok()?, urls[name].as_str()?)));
            let receivers: Vec<_> = with_url.map(|(protocol, url)| Receiver::new(protocol, url)).collect();
            outcome(tracing.publish_receivers(&receivers))
        }
    };
    let event = match tracing.on(dispatch) {
        None => None,
        Some(TracingProviderEvent::Request { relation, protocols, .. }) => {
            Some(json!(["request", of_relation(&relation), names(protocols)]))
        }
        Some(TracingProviderEvent::Broken { relation, .. }) => {
            Some(json!(["broken", of_relation(&relation)]))
        }
        Some(other) => bail!("there is an event that nobody else knows: {other:?}"),
    };

    let mut relations = Vec::new();
    for relation in tracing.relations()? {
        relations.push(json!([of_relation(&relation), outcome(tracing.is_requirer_ready(&relation))]));
    }
    let finds = json!({
        "publish": published,
        "requested": names(tracing.requested_protocols()?),
        "relations": relations,
    });
    Ok(Played { events: event.into_iter().collect(), finds })
}

fn play_principal(dispatch: &Dispatch, endpoint: &str, charm: &Value) -> Result<Played> {
    let collector = CosAgentProvider::new(dispatch, endpoint, &protocols(&charm["protocols"])?)?;
    let cert = charm["cert"].as_str().map(Path::new);
    let config =
        charm_tracing_config(&collector, cert).map(|config| json!([config.endpoint, config.server_cert]));
    let events = of_tracing_event(collector.on(dispatch))?;
    let all = ReceiverProtocol::ALL.iter();
    let endpoints: Map<String, Value> = all
        .map(|protocol| (protocol.to_string(), outcome(collector.get_tracing_endpoint(protocol))))
        .collect();
    let finds = json!({
        "ready": outcome(collector.is_ready()),
        "endpoints": endpoints,
        "config": outcome(config),
    });
    Ok(Played { events, finds })
}

fn of_tracing_event(event: Option<TracingEvent>) -> Result<Vec<Value>> {
    Ok(match event {
        None => vec![],
        Some(TracingEvent::EndpointChanged { relation, receivers, .. }) => {
            let receivers: Vec<Value> = receivers.iter().map(of_receiver).collect();
            vec![json!(["endpoint_changed", of_relation(&relation), receivers])]
        }
        Some(TracingEvent::EndpointRemoved { relation, .. }) => {
            vec![json!(["endpoint_removed", of_relation(&relation)])]
        }
        Some(other) => bail!("there is an event that nobody else knows: {other:?}"),
    })
}

/// The names of the protocols, in their order, each once: the library is not asked which was requested first.
fn names(protocols: impl IntoIterator<Item = ReceiverProtocol>) -> BTreeSet<String> {
    protocols.into_iter().map(|protocol| protocol.to_string()).collect()
}

fn endpoints(get: impl Fn(ReceiverProtocol) -> Result<Option<String>, TracingError>) -> Map<String, Value> {
    let all = ReceiverProtocol::ALL.iter();
    all.map(|protocol| (protocol.to_string(), outcome(get(*protocol)))).collect()
}

/// A value, or the name that Python has for the error.
fn outcome(result: Result<impl Into<Value>, TracingError>) -> Value {
    let error = match result {
        Ok(value) => return json!({"value": value.into()}),
        Err(error) => error,
    };
    let name = match &error {
        TracingError::ProtocolNotFound { .. } => "ProtocolNotFoundError",
        TracingError::ProtocolNotRequested { .. } => "ProtocolNotRequestedError",
        TracingError::DataAccessPermission => "DataAccessPermissionError",
        TracingError::AmbiguousRelationUsage { .. } => "AmbiguousRelationUsageError",
        TracingError::DataValidation { .. } => "DataValidationError",
        TracingError::NoProtocols => "ValueError",
        other => return json!({"error": format!("{other:?}")}),
    };
    json!({"error": name})
}

fn of_relation(relation: &Relation) -> Value {
    json!([relation.endpoint, relation.id, relation.app])
}

fn of_receiver(receiver: &Receiver) -> Value {
    json!([receiver.protocol.name, receiver.protocol.transport, receiver.url])
}

fn protocols(names: &Value) -> Result<Vec<ReceiverProtocol>> {
    list(names)?.iter().map(|name| Ok(text(name)?.parse()?)).collect()
}

fn id_of(relation: &Value) -> Result<u32> {
    let id = relation["id"].as_u64().context("a relation has an id")?;
    Ok(u32::try_from(id)?)
}

fn object(value: &Value) -> Result<&Map<String, Value>> {
    value.as_object().with_context(|| format!("{value} should be an object"))
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().with_context(|| format!("{value} should be a list"))
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} should be text"))
}
