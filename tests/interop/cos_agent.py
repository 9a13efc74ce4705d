"""Plays lives of `cos_agent` relations: a principal charm in Rust, and its collector in Python on the same machine.

    cos_agent.py COMMAND...

The command is that of `relation-side`. The collector is a charm of ops, in the Juju that ops has for tests, and does what
the charm of opentelemetry-collector does with the library `grafana_agent.v0.cos_agent`, which is in no registry: it refuses
a `config` that the library's model refuses, and publishes the receivers that are requested in it, without URLs while it has
no backend. The principal must get along with it in every dispatch.
"""

import json
import pathlib
import sys
import tempfile
from typing import Optional

import ops
import pydantic
from ops import testing

from sides import Remembering, Rust

PRINCIPAL, COLLECTOR = "app/0", "otelcol/0"
PRINCIPAL_METADATA = {"name": "app", "provides": {"cos-agent": {"interface": "cos_agent", "limit": 1}}}
COLLECTOR_METADATA = {
    "name": "otelcol",
    "subordinate": True,
    "requires": {"cos-agent": {"interface": "cos_agent", "scope": "container"}},
}
PORTS = {"otlp_http": 4318, "otlp_grpc": 4317, "zipkin": 9411, "jaeger_thrift_http": 14268}


class Config(pydantic.BaseModel):
    """What the library requires of a principal's `config`."""

    metrics_alert_rules: dict
    log_alert_rules: dict
    dashboards: list[str]
    subordinate: Optional[bool] = None
    metrics_scrape_jobs: list[dict]
    log_slots: list[str]
    include_log_files: Optional[list[str]] = None
    tracing_protocols: Optional[list[str]] = None


class Collector(ops.CharmBase):
    """Publishes the receivers that its principal requests."""

    has_backend = False

    def __init__(self, framework):
        super().__init__(framework)
        for event in [self.on["cos-agent"].relation_joined, self.on["cos-agent"].relation_changed, self.on.config_changed]:
            framework.observe(event, self.publish)

    def publish(self, _):
        for relation in self.model.relations["cos-agent"]:
            (unit,) = relation.units
            if not (config := relation.data[unit].get("config")):
                continue
            requested = Config(**json.loads(config)).tracing_protocols or []
            relation.data[self.unit]["receivers"] = json.dumps([self.receiver(name) for name in requested])

    def receiver(self, name):
        transport = "grpc" if name.endswith("grpc") else "http"
        scheme = "" if transport == "grpc" else "http://"
        url = f"{scheme}machine.local:{PORTS[name]}" if self.has_backend else None
        return {"protocol": {"name": name, "type": transport}, "url": url}


class Machine:
    """A machine with both units, and the databags between them."""

    def __init__(self, principal, directory, protocols, config=None):
        self.principal, self.directory = principal, directory
        self.charm = {"protocols": protocols, "cert": None}
        self.published = {PRINCIPAL: {} if config is None else {"config": config}, COLLECTOR: {}}
        self.collector_is_there = False
        directory.mkdir()
        (directory / "metadata.yaml").write_text(json.dumps(PRINCIPAL_METADATA))

    def dispatch(self, event, relation=None):
        """Dispatches an event to the principal. Returns what the charm has found in it."""
        path = event if relation is None else f"cos-agent-relation-{event}"
        variables = {"JUJU_DISPATCH_PATH": f"hooks/{path}", "JUJU_UNIT_NAME": PRINCIPAL, "JUJU_CHARM_DIR": str(self.directory)}
        if relation is not None:
            remote = "" if event in ["created", "broken"] else COLLECTOR
            variables |= {
                "JUJU_RELATION": "cos-agent",
                "JUJU_RELATION_ID": f"cos-agent:{relation}",
                "JUJU_REMOTE_APP": "otelcol",
                "JUJU_REMOTE_UNIT": remote,
                "JUJU_DEPARTING_UNIT": COLLECTOR if event == "departed" else "",
            }
        units = {COLLECTOR: self.published[COLLECTOR]} if self.collector_is_there else {}
        related = {
            "endpoint": "cos-agent",
            "id": 1,
            "app": "otelcol",
            "units": list(units),
            "local": {},
            "remote": {},
            "local_unit": self.published[PRINCIPAL],
            "remote_units": units,
        }
        asked = {"role": "principal", "endpoint": "cos-agent", "vars": variables, "leader": False, "charm": self.charm}
        answer = self.principal.play({**asked, "relations": [related]})
        published = answer.pop("published")["1"]
        self.published[PRINCIPAL] = published
        return answer

    def collect(self, event, has_backend):
        """Dispatches an event to the collector."""
        charm = type("Charm", (Collector,), {"has_backend": has_backend})
        relation = testing.SubordinateRelation(
            "cos-agent",
            remote_app_name="app",
            remote_unit_id=0,
            remote_unit_data=self.published[PRINCIPAL],
            local_unit_data=self.published[COLLECTOR],
        )
        context = testing.Context(charm, meta=COLLECTOR_METADATA, app_name="otelcol")
        if event == "config_changed":
            happened = context.on.config_changed()
        else:
            happened = getattr(context.on, f"relation_{event}")(relation, remote_unit=0)
        after = context.run(happened, testing.State(relations=[relation]))
        self.published[COLLECTOR] = dict(after.get_relation(relation.id).local_unit_data)


def live(machine):
    """A collector comes, has no backend, gets one, loses it, and goes. Returns what the principal found each time."""
    found = {}
    found["no collector"] = machine.dispatch("created", 1)
    machine.collector_is_there = True
    found["joined"] = machine.dispatch("joined", 1)
    machine.collect("joined", has_backend=False)
    machine.collect("changed", has_backend=False)
    found["no backend"] = machine.dispatch("changed", 1)
    machine.collect("config_changed", has_backend=True)
    found["backend"] = machine.dispatch("changed", 1)
    found["quiet"] = machine.dispatch("update-status")
    found["again"] = machine.dispatch("update-status")
    machine.collect("config_changed", has_backend=False)
    found["lost"] = machine.dispatch("changed", 1)
    machine.collector_is_there = False
    found["departed"] = machine.dispatch("departed", 1)
    found["broken"] = machine.dispatch("broken", 1)
    return found


def expected_config(before, protocols):
    """The `config` that a principal must have published: what was there, what the collector needs, and the request."""
    base = {"metrics_alert_rules": {}, "log_alert_rules": {}, "dashboards": [], "metrics_scrape_jobs": [], "log_slots": []}
    return {**base, **({"subordinate": None} if before is None else before), "tracing_protocols": protocols}


def check(problems, title, found, expected):
    if found != expected:
        problems.append(f"{title}: {json.dumps(found)} rather than {json.dumps(expected)}")


def play(problems, principal, directory, name, protocols, before):
    machine = Machine(principal, directory / name, protocols, None if before is None else json.dumps(before))
    found = live(machine)
    published = json.loads(machine.published[PRINCIPAL]["config"])
    check(problems, f"{name}: the config", published, expected_config(before, protocols))

    config = {when: dispatch["finds"]["config"] for when, dispatch in found.items()}
    usable = {"value": ["http://machine.local:4318", None]} if "otlp_http" in protocols else {"value": [None, None]}
    for when, value in config.items():
        expected = usable if when in ["backend", "quiet", "again"] else {"value": [None, None]}
        check(problems, f"{name}, {when}: charm_tracing_config", value, expected)
    ready = [when for when, dispatch in found.items() if dispatch["finds"]["ready"] == {"value": True}]
    check(problems, f"{name}: ready", ready, ["no backend", "backend", "quiet", "again", "lost"])
    for protocol in PORTS:
        without = {"error": f"ProtocolNot{'Found' if protocol in protocols else 'Requested'}Error"}
        check(problems, f"{name}: {protocol}", found["no backend"]["finds"]["endpoints"][protocol], without)
        port = {"value": f"{'' if protocol == 'otlp_grpc' else 'http://'}machine.local:{PORTS[protocol]}"}
        endpoint = found["backend"]["finds"]["endpoints"][protocol]
        check(problems, f"{name}: {protocol}", endpoint, port if protocol in protocols else without)
    events = {when: [event[0] for event in dispatch["events"]] for when, dispatch in found.items()}
    changed = dict.fromkeys(["no backend", "backend", "lost"], ["endpoint_changed"])
    removed = dict.fromkeys(["departed", "broken"], ["endpoint_removed"])
    check(problems, f"{name}: events", {when: told for when, told in events.items() if told}, changed | removed)
    return found


def main(command):
    problems, played = [], 0
    ours = {"log_slots": ["snap:logs"], "dashboards": ["/Td6WFo="], "later": {"x": [1.5]}}
    with Rust(command) as rust, tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        for name, protocols, before in [
            ("charm-traces", ["otlp_http"], None),
            ("workload-traces", ["otlp_http", "otlp_grpc", "zipkin"], None),
            ("not-for-the-charm", ["otlp_grpc"], None),
            ("publishes-more", ["otlp_http"], ours),
            ("asked-before", ["otlp_http"], {**ours, "tracing_protocols": ["zipkin"]}),
        ]:
            asking = play(problems, rust, directory, name, protocols, before)
            remembering = play(problems, Remembering(rust), directory, f"{name}-remembering", protocols, before)
            played += len(asking) + len(remembering)
            # The endpoints are asked for one by one, so a missing one makes it look for its request.
            tools = remembering["again"]["tools"]
            if tools > asking["again"]["tools"] - 3:
                problems.append(f"{name}: the memory is of no use: {tools} hook tools")
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    print(f"{played} dispatches of principals, with a collector in Python")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
