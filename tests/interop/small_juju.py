"""A Juju that carries databags between applications, and dispatches to their units what Juju would.

A dispatch is what is compared, so each is kept: what the applications had published after it, which events the
library told its charm, and what else the charm found.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

LIMITS = {"charm-tracing": 1, "workload-tracing": None, "tracing": None}
ROLES = {"charm-tracing": "requirer", "workload-tracing": "requirer", "tracing": "provider"}


@dataclass(eq=False)
class Application:
    name: str
    endpoint: str
    # What its charm wants of the library.
    charm: dict
    units: list = field(default_factory=list)
    leader: int | None = 0

    @property
    def role(self):
        return ROLES[self.endpoint]

    @property
    def metadata(self):
        details = {"interface": "tracing"}
        if LIMITS[self.endpoint] is not None:
            details["limit"] = LIMITS[self.endpoint]
        section = {"requirer": "requires", "provider": "provides"}[self.role]
        return {"name": self.name, section: {self.endpoint: details}}


@dataclass(eq=False)
class Relation:
    id: int
    ends: tuple
    # What each application has published, by its name.
    published: dict
    # The numbers of the units that each unit sees, by its name. It is in here for as long as it is in the relation.
    seen: dict = field(default_factory=dict)

    def other(self, application):
        return self.ends[self.ends[0] is application]


class Dispatch(NamedTuple):
    unit: str
    title: str
    # The name of the language.
    side: str
    leader: bool
    # Whether the unit has a relation that this dispatch does not end.
    related: bool
    # The charm's wishes.
    charm: dict
    # What applications have published after it, by relation and then by application.
    published: dict
    events: list
    finds: dict
    # How many hook tools that took.
    tools: int


class Juju:
    """`side_of(dispatch, application, unit)` plays the dispatch, of which it gets the number, as of the unit.

    Units have their directories in `directory`. What lives expect is looked at only if this is the reference, with
    which all that happens in others is compared.
    """

    def __init__(self, side_of, directory, is_reference):
        self.side_of = side_of
        self.is_reference = is_reference
        self.directory = directory
        self.relations = []
        self.related = 0
        self.queue = deque()
        self.dispatches = []

    def requirer(self, name, *protocols, endpoint="charm-tracing", units=1, leader=0):
        """Deploys a charm that asks for these protocols when it is constructed."""
        charm = {"protocols": list(protocols), "request": None, "cert": None}
        return Application(name, endpoint, charm, list(range(units)), leader)

    def provider(self, name, urls, always=(), units=1, leader=0):
        """Deploys a charm that publishes in every hook, of what it is asked for, and of `always`, what has a url.

        Without urls it publishes nothing at all.
        """
        charm = {"urls": urls, "always": list(always)}
        return Application(name, "tracing", charm, list(range(units)), leader)

    def relate(self, requirer, provider):
        self.related += 1
        ends = (requirer, provider)
        relation = Relation(self.related, ends, {end.name: {} for end in ends})
        self.relations.append(relation)
        for end in ends:
            for number in end.units:
                self.enter(relation, end, number)
        self.settle()
        return relation

    def remove(self, relation):
        for end in relation.ends:
            for number in end.units:
                self.leave(relation, end, number)
        self.settle()
        self.relations.remove(relation)

    def add_unit(self, application):
        number = max(application.units, default=-1) + 1
        application.units.append(number)
        for relation in self.relations_of(application):
            self.enter(relation, application, number)
            other = relation.other(application)
            for remote in other.units:
                self.queue += [(other, remote, event, relation, number) for event in ("joined", "changed")]
        self.settle()
        return number

    def remove_unit(self, application, number):
        for relation in self.relations_of(application):
            other = relation.other(application)
            self.queue += [(other, remote, "departed", relation, number) for remote in other.units]
            self.leave(relation, application, number)
        self.settle()
        application.units.remove(number)

    def elect(self, application, number):
        """Juju tells only the unit that is elected."""
        application.leader = number
        if number is not None:
            self.queue.append((application, number, "leader_elected", None, None))
        self.settle()

    def hook(self, application, event, **wants):
        """A hook of all units that is about no relation. What the charm wants of the library changes before it."""
        unknown = wants.keys() - application.charm.keys()
        assert not unknown, unknown
        application.charm.update(wants)
        self.queue += [(application, number, event, None, None) for number in application.units]
        self.settle()

    def write(self, relation, application, key, value):
        """As if an earlier revision of the charm had written it."""
        relation.published[application.name] = {**relation.published[application.name], key: value}
        self.tell_other(relation, application)
        self.settle()

    def expect(self, found, expected):
        if self.is_reference and found != expected:
            raise SystemExit(f"after {self.dispatches[-1].title}: found {found}, expected {expected}")

    def enter(self, relation, application, number):
        other = relation.other(application)
        self.queue.append((application, number, "created", relation, None))
        for remote in other.units:
            self.queue += [(application, number, event, relation, remote) for event in ("joined", "changed")]

    def leave(self, relation, application, number):
        remotes = relation.other(application).units
        self.queue += [(application, number, "departed", relation, remote) for remote in remotes]
        self.queue.append((application, number, "broken", relation, None))

    def tell_other(self, relation, application):
        """Of a unit that has not heard of the last change yet, Juju makes no second event."""
        other = relation.other(application)
        for number in other.units:
            event = (other, number, "changed", relation, None)
            if unit_name(other, number) in relation.seen and event not in self.queue:
                self.queue.append(event)

    def settle(self):
        while self.queue:
            self.dispatch(*self.queue.popleft())

    def dispatch(self, application, number, event, relation, remote):
        unit = unit_name(application, number)
        if relation is not None:
            seen = relation.seen.setdefault(unit, [])
            if event == "joined":
                seen.append(remote)
            elif event == "departed":
                seen.remove(remote)
            elif event == "changed" and remote is not None and remote not in seen:
                return
        leader = application.leader == number
        visible = [one for one in self.relations_of(application) if unit in one.seen]
        side = self.side_of(len(self.dispatches), application, number)
        answer = side.play(self.asked(application, number, event, relation, remote, visible))

        for one in visible:
            published = answer["published"][str(one.id)]
            # To write what is there already is no change to Juju.
            if published != one.published[application.name]:
                one.published[application.name] = published
                self.tell_other(one, application)
        if event == "broken":
            del relation.seen[unit]

        name = event if relation is None else f"{application.endpoint}:{relation.id} {event}"
        about = "" if remote is None else f" {unit_name(relation.other(application), remote)}"
        self.dispatches.append(
            Dispatch(
                unit=unit,
                title=f"{unit}{' (leader)' if leader else ''}: {name}{about}",
                side=side.name,
                leader=leader,
                related=any(event != "broken" or one is not relation for one in visible),
                charm=dict(application.charm),
                published={one.id: dict(one.published) for one in self.relations},
                events=answer["events"],
                finds=answer["finds"],
                tools=answer["tools"],
            )
        )

    def relations_of(self, application):
        return [relation for relation in self.relations if application in relation.ends]

    def asked(self, application, number, event, relation, remote, visible):
        unit = unit_name(application, number)
        endpoint = application.endpoint
        path = event if relation is None else f"{endpoint}-relation-{event}"
        variables = {
            "JUJU_DISPATCH_PATH": f"hooks/{path.replace('_', '-')}",
            "JUJU_UNIT_NAME": unit,
            "JUJU_MODEL_NAME": "test-model",
            "JUJU_MODEL_UUID": "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01",
            "JUJU_CHARM_DIR": str(self.charm_dir(application, number)),
        }
        if relation is not None:
            other = relation.other(application)
            variables |= {
                "JUJU_RELATION": endpoint,
                "JUJU_RELATION_ID": f"{endpoint}:{relation.id}",
                "JUJU_REMOTE_APP": other.name,
                "JUJU_REMOTE_UNIT": "" if remote is None else unit_name(other, remote),
                "JUJU_DEPARTING_UNIT": unit_name(other, remote) if event == "departed" else "",
            }
        return {
            "role": application.role,
            "endpoint": endpoint,
            "metadata": application.metadata,
            "charm": application.charm,
            "leader": application.leader == number,
            "vars": variables,
            "event": {"name": event, "relation": relation and relation.id, "remote_unit": remote},
            "relations": [self.visible_to(unit, application, one) for one in visible],
        }

    def visible_to(self, unit, application, relation):
        other = relation.other(application)
        return {
            "id": relation.id,
            "endpoint": application.endpoint,
            "app": other.name,
            "units": [unit_name(other, number) for number in relation.seen[unit]],
            "local": relation.published[application.name],
            "remote": relation.published[other.name],
        }

    def charm_dir(self, application, number):
        directory = self.directory / f"{application.name}-{number}"
        if not directory.exists():
            directory.mkdir(parents=True)
            # What is JSON is YAML.
            (directory / "metadata.yaml").write_text(json.dumps(application.metadata))
        return directory


def unit_name(application, number):
    return f"{application.name}/{number}"
