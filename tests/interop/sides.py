"""The two libraries for the `tracing` relation, each of which can play any dispatch of either side.

What they are asked, and what they answer, is the same: `src/bin/relation-side.rs` says what is in it.
"""

import json
import subprocess

import ops
from charmlibs.interfaces import tracing as library
from ops import testing
from scenario import mocking

PROTOCOLS = ["otlp_http", "otlp_grpc", "zipkin", "jaeger_thrift_http", "jaeger_grpc"]


class Rust:
    """A process that plays a dispatch for each line it gets."""

    name = "Rust"

    def __init__(self, command):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def play(self, asked):
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("the Rust side ended, and has said why")
        return json.loads(answer)


class Remembering:
    """The same, by units that remember their relations. All dispatches of such a unit have to be played so."""

    name = "Rust"

    def __init__(self, rust):
        self.rust = rust

    def play(self, asked):
        return self.rust.play({**asked, "remembers": True})


class Python:
    """The Python library in charms of ops, in the Juju that comes with ops for tests."""

    name = "Python"

    def play(self, asked):
        played = {"events": [], "finds": {}}
        charm = type("Charm", (CHARMS[asked["role"]],), {"asked": asked, "played": played})
        application, number = asked["vars"]["JUJU_UNIT_NAME"].split("/")
        names = {"app_name": application, "unit_id": int(number)}
        with testing.Context(charm, meta=asked["metadata"], **names) as context:
            relations = {relation["id"]: relation_of(relation) for relation in asked["relations"]}
            state = testing.State(leader=asked["leader"], relations=relations.values())
            with CountedTools() as tools:
                after = context.run(event_of(context, asked["event"], relations), state)
        published = {str(relation.id): dict(relation.local_app_data) for relation in after.relations}
        return {**played, "published": published, "tools": tools.count}


def relation_of(asked):
    units = {int(unit.split("/")[1]): {} for unit in asked["units"]}
    return testing.Relation(
        asked["endpoint"],
        id=asked["id"],
        remote_app_name=asked["app"],
        remote_units_data=units,
        local_app_data=asked["local"],
        remote_app_data=asked["remote"],
    )


def event_of(context, asked, relations):
    if asked["relation"] is None:
        return getattr(context.on, asked["name"])()
    details = {} if asked["remote_unit"] is None else {"remote_unit": asked["remote_unit"]}
    return getattr(context.on, f"relation_{asked['name']}")(relations[asked["relation"]], **details)


class Charm(ops.CharmBase):
    """Wants of the library what it is asked to, and tells what came of it."""

    asked: dict
    played: dict

    def __init__(self, framework):
        super().__init__(framework)
        self.endpoint, self.wants = self.asked["endpoint"], self.asked["charm"]
        self.set_up()
        # ops lets a test do more than Juju would, except in a handler. This one is called after the library's.
        event = self.asked["event"]
        name = event["name"] if event["relation"] is None else f"{self.endpoint}_relation_{event['name']}"
        framework.observe(getattr(self.on, name.replace("-", "_")), self.look)

    def look(self, _):
        self.played["finds"].update(self.found())

    def tell(self, name, event, *more):
        self.played["events"].append([name, of_relation(event.relation), *more])


class Requirer(Charm):
    def set_up(self):
        self.tracing = library.TracingEndpointRequirer(self, self.endpoint, self.wants["protocols"])
        wanted = self.wants["request"]
        request = None if wanted is None else outcome(self.tracing.request_protocols, wanted)
        self.played["finds"]["request"] = request
        self.framework.observe(self.tracing.on.endpoint_changed, self.changed)
        self.framework.observe(self.tracing.on.endpoint_removed, self.removed)

    def changed(self, event):
        receivers = [[found.protocol.name, found.protocol.type, found.url] for found in event.receivers]
        self.tell("endpoint_changed", event, receivers)

    def removed(self, event):
        self.tell("endpoint_removed", event)

    def found(self):
        tracing = self.tracing
        return {
            "ready": outcome(tracing.is_ready),
            "endpoints": {name: outcome(tracing.get_endpoint, name) for name in PROTOCOLS},
            "config": outcome(library.charm_tracing_config, tracing, self.wants["cert"]),
            "relations": [
                [
                    of_relation(relation),
                    outcome(tracing.is_ready, relation),
                    {name: outcome(tracing.get_endpoint, name, relation) for name in PROTOCOLS},
                ]
                for relation in tracing.relations
            ],
        }


class Provider(Charm):
    def set_up(self):
        self.tracing = library.TracingEndpointProvider(self, relation_name=self.endpoint)
        urls, publish = self.wants["urls"], None
        if urls is not None:
            names = sorted(self.tracing.requested_protocols().union(self.wants["always"]))
            receivers = [(name, urls[name]) for name in names if name in urls]
            publish = outcome(self.tracing.publish_receivers, receivers)
        self.played["finds"]["publish"] = publish
        self.framework.observe(self.tracing.on.request, self.request)
        self.framework.observe(self.tracing.on.broken, self.broken)

    def request(self, event):
        # Which protocols, not in which order.
        self.tell("request", event, sorted(set(event.requested_receivers)))

    def broken(self, event):
        self.tell("broken", event)

    def found(self):
        tracing = self.tracing
        return {
            "requested": sorted(tracing.requested_protocols()),
            "relations": [
                [of_relation(relation), outcome(tracing.is_requirer_ready, relation)]
                for relation in tracing.relations
            ],
        }


CHARMS = {"requirer": Requirer, "provider": Provider}


def outcome(function, *arguments):
    try:
        value = function(*arguments)
    except Exception as error:
        return {"error": type(error).__name__}
    return {"value": list(value) if isinstance(value, tuple) else value}


def of_relation(relation):
    return [relation.name, relation.id, relation.app.name]


class CountedTools:
    """Counts the processes that ops would have started, which it keeps the answers of as it does under Juju."""

    NAMES = ["relation_ids", "relation_list", "relation_get", "relation_set", "is_leader"]

    def __enter__(self):
        self.count = 0
        self.replaced = {name: getattr(mocking._MockModelBackend, name) for name in self.NAMES}
        self.knows_leader = False
        for name, tool in self.replaced.items():
            setattr(mocking._MockModelBackend, name, self.counted(name, tool))
        return self

    def __exit__(self, *error):
        for name, tool in self.replaced.items():
            setattr(mocking._MockModelBackend, name, tool)

    def counted(self, name, tool):
        def call(*arguments, **named):
            # The one answer that is kept in what is replaced here.
            if name != "is_leader" or not self.knows_leader:
                self.count += 1
            self.knows_leader |= name == "is_leader"
            return tool(*arguments, **named)

        return call
