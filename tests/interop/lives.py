"""Lives of `tracing` relations: what happens to applications, and here and there what must have come of it."""

import json

HTTP = {"otlp_http": "http://tempo:4318"}
ALL = {
    "jaeger_grpc": "tempo:14250",
    "jaeger_thrift_http": "http://tempo:14268",
    "otlp_grpc": "tempo:4317",
    "otlp_http": "http://tempo:4318",
    "zipkin": "http://tempo:9411",
}
NOT_ASCII = {
    "otlp_http": "http://t\u00e9mpo.\u4f8b\u3048:4318/\U0001f52d?\"a\\b\"=\u2028\u007f\u0001\t</script>",
    "zipkin": "http://[fe80::1%25eth0]:9411",
}


def usual(juju):
    """Two units on each side; the leaders change; a second requirer comes and goes; the relation ends."""
    tempo = juju.provider("tempo", ALL, units=2)
    app = juju.requirer("app", "otlp_http", units=2)
    relation = juju.relate(app, tempo)
    published(juju, relation, app, '["otlp_http"]')
    published(juju, relation, tempo, receivers(ALL, "otlp_http"))
    finds(juju, "app/1", "otlp_http", {"value": ALL["otlp_http"]})

    quiet(juju, juju.hook, app, "update_status")
    quiet(juju, juju.elect, app, 1)
    quiet(juju, juju.elect, tempo, 1)
    quiet(juju, juju.hook, tempo, "config_changed")

    other = juju.requirer("other", "otlp_grpc")
    second = juju.relate(other, tempo)
    published(juju, second, other, '["otlp_grpc"]')
    for each in relation, second:
        published(juju, each, tempo, receivers(ALL, "otlp_grpc", "otlp_http"))
    finds(juju, "app/0", "otlp_grpc", {"value": ALL["otlp_grpc"]})
    juju.remove(second)
    juju.hook(tempo, "update_status")
    published(juju, relation, tempo, receivers(ALL, "otlp_http"))

    juju.add_unit(app)
    juju.remove_unit(tempo, 0)
    juju.remove_unit(app, 0)
    juju.remove(relation)
    finds(juju, "app/1", "otlp_http", {"error": "ProtocolNotRequestedError"})
    told(juju, "app/1", "endpoint_removed")
    told(juju, "tempo/1", "broken")
    juju.hook(app, "update_status")
    juju.hook(tempo, "update_status")


def late(juju):
    """The provider takes its time to answer, and moves twice."""
    tempo = juju.provider("tempo", None, units=2)
    app = juju.requirer("app", "otlp_http", units=2)
    relation = juju.relate(app, tempo)
    juju.hook(app, "update_status")
    published(juju, relation, tempo, None)
    finds(juju, "app/0", "otlp_http", {"value": None})
    juju.hook(tempo, "config_changed", urls=HTTP)
    published(juju, relation, tempo, receivers(HTTP, "otlp_http"))
    told(juju, "app/1", "endpoint_changed")
    juju.hook(tempo, "config_changed", urls={"otlp_http": "https://ingress.example/tempo"})
    finds(juju, "app/0", "otlp_http", {"value": "https://ingress.example/tempo"})
    juju.hook(app, "update_status", cert=f"{__file__}.missing")
    juju.expect(last(juju, "app/0").finds["config"], {"value": [None, None]})
    juju.hook(app, "update_status", cert=__file__)
    juju.expect(last(juju, "app/0").finds["config"], {"value": ["https://ingress.example/tempo", __file__]})
    juju.hook(tempo, "config_changed", urls=HTTP)
    juju.remove(relation)


def idle(juju):
    """Most hooks are about something else, whatever the relation is like; the same is found in each of them."""
    tempo = juju.provider("tempo", None, units=2)
    app = juju.requirer("app", "otlp_http", "zipkin", units=2)

    def idle_for_a_while():
        for event in ("config_changed", "update_status", "update_status"):
            quiet(juju, juju.hook, app, event)

    idle_for_a_while()
    relation = juju.relate(app, tempo)
    for urls in (HTTP, {}, ALL, {"zipkin": ALL["zipkin"]}):
        idle_for_a_while()
        juju.hook(tempo, "config_changed", urls=urls)
    juju.elect(app, 1)
    idle_for_a_while()
    juju.elect(app, None)
    idle_for_a_while()
    juju.add_unit(app)
    juju.elect(app, 2)
    idle_for_a_while()
    finds(juju, "app/2", "zipkin", {"value": ALL["zipkin"]})
    juju.remove(relation)
    idle_for_a_while()
    finds(juju, "app/0", "zipkin", {"error": "ProtocolNotRequestedError"})
    juju.relate(app, juju.provider("collector", HTTP))
    idle_for_a_while()
    finds(juju, "app/0", "otlp_http", {"value": HTTP["otlp_http"]})


def everything(juju):
    """All protocols are asked for, some twice."""
    tempo = juju.provider("tempo", ALL)
    app = juju.requirer("app", *reversed(ALL), "zipkin", "otlp_http")
    relation = juju.relate(app, tempo)
    for name, url in ALL.items():
        finds(juju, "app/0", name, {"value": url})
    quiet(juju, juju.hook, tempo, "update_status")
    quiet(juju, juju.hook, app, "update_status")
    juju.remove(relation)


def unled(juju):
    """No unit is the leader, for as long as it takes to elect one; then none is for a while again."""
    tempo = juju.provider("tempo", ALL, units=2, leader=None)
    app = juju.requirer("app", "otlp_http", units=2, leader=None)
    relation = juju.relate(app, tempo)
    juju.hook(app, "update_status", request=["zipkin"])
    juju.expect(last(juju, "app/0").finds["request"], {"error": "DataAccessPermissionError"})
    juju.hook(app, "update_status", request=None)
    published(juju, relation, app, None)
    juju.elect(tempo, 1)
    published(juju, relation, tempo, "[]")
    juju.elect(app, 0)
    published(juju, relation, tempo, receivers(ALL, "otlp_http"))
    juju.elect(tempo, None)
    juju.elect(app, None)
    quiet(juju, juju.hook, app, "update_status")
    quiet(juju, juju.hook, tempo, "update_status")
    juju.remove(relation)


def nothing_to_offer(juju):
    """The provider publishes that it has no receivers, gets one, and loses it."""
    tempo = juju.provider("tempo", {})
    app = juju.requirer("app", "otlp_http", units=2)
    relation = juju.relate(app, tempo)
    published(juju, relation, tempo, "[]")
    told(juju, "app/1", "endpoint_changed")
    juju.hook(app, "update_status")
    juju.hook(tempo, "config_changed", urls=HTTP)
    finds(juju, "app/0", "otlp_http", {"value": HTTP["otlp_http"]})
    juju.hook(tempo, "config_changed", urls={})
    finds(juju, "app/0", "otlp_http", {"value": None})
    juju.remove(relation)


def second_thoughts(juju):
    """The requirer asks for other protocols after an upgrade, and then while it runs."""
    tempo = juju.provider("tempo", ALL)
    app = juju.requirer("app", "otlp_http", units=2)
    relation = juju.relate(app, tempo)
    juju.hook(app, "upgrade_charm", protocols=["zipkin", "otlp_grpc"])
    published(juju, relation, app, '["zipkin", "otlp_grpc"]')
    published(juju, relation, tempo, receivers(ALL, "otlp_grpc", "zipkin"))
    finds(juju, "app/0", "otlp_http", {"error": "ProtocolNotRequestedError"})
    juju.hook(app, "upgrade_charm", protocols=[])
    published(juju, relation, app, '["zipkin", "otlp_grpc"]')
    juju.hook(app, "config_changed", request=["jaeger_thrift_http"])
    published(juju, relation, app, '["jaeger_thrift_http"]')
    finds(juju, "app/0", "jaeger_thrift_http", {"value": ALL["jaeger_thrift_http"]})
    juju.hook(app, "config_changed", request=[])
    juju.expect(last(juju, "app/0").finds["request"], {"error": "ValueError"})
    juju.hook(app, "config_changed", request=["otlp_http", "zipkin"])
    juju.hook(app, "config_changed", request=None)
    published(juju, relation, app, '["otlp_http", "zipkin"]')
    juju.remove(relation)


def not_ascii(juju):
    """The urls have letters of other scripts, and everything that JSON escapes, and that Python escapes in JSON."""
    tempo = juju.provider("tempo", NOT_ASCII)
    app = juju.requirer("app", "otlp_http", "zipkin")
    relation = juju.relate(app, tempo)
    for name, url in NOT_ASCII.items():
        finds(juju, "app/0", name, {"value": url})
    juju.expect(relation.published["tempo"]["receivers"].isascii(), True)
    quiet(juju, juju.hook, tempo, "update_status")
    juju.remove(relation)


def damaged(juju):
    """Each side finds what it cannot read, until the other side's next hook; text of another form is replaced.

    The crate can read more than the Python library, which is tested where there is nothing to compare with.
    """
    tempo = juju.provider("tempo", ALL)
    app = juju.requirer("app", "otlp_http")
    relation = juju.relate(app, tempo)
    good = receivers(ALL, "otlp_http")
    for text in ("[", "null", "{}", '"otlp_http"', '[{"url": "http://tempo:4318"}]', good.replace(": ", ":")):
        juju.write(relation, tempo, "receivers", text)
        juju.hook(tempo, "update_status")
        published(juju, relation, tempo, good)
    # What replaces an earlier revision is told so: in other hooks, a unit that remembers what it has published may not
    # look whether somebody else has written the same in another form.
    for text in ("[", "null", "{}", '"otlp_http"', '["tempo"]', "[]", '[ "otlp_http" ]'):
        juju.write(relation, app, "receivers", text)
        juju.hook(app, "upgrade_charm")
        published(juju, relation, app, '["otlp_http"]')
    juju.remove(relation)


def generous(juju):
    """The provider publishes more than it is asked for, as Tempo does, even to who asks for nothing."""
    tempo = juju.provider("tempo", ALL, always=["otlp_http", "zipkin"])
    app = juju.requirer("app", "otlp_grpc", units=2)
    silent = juju.requirer("silent", units=2)
    relation, other = juju.relate(app, tempo), juju.relate(silent, tempo)
    juju.expect(other.published["tempo"], relation.published["tempo"])
    published(juju, other, silent, None)
    finds(juju, "silent/0", "zipkin", {"value": ALL["zipkin"]})
    finds(juju, "silent/0", "jaeger_grpc", {"error": "ProtocolNotRequestedError"})
    juju.hook(silent, "update_status")
    juju.remove(other)
    juju.remove(relation)


def successors(juju):
    """One backend is replaced by another, under another id."""
    tempo = juju.provider("tempo", ALL)
    app = juju.requirer("app", "otlp_http")
    juju.hook(app, "install")
    juju.hook(tempo, "install")
    juju.remove(juju.relate(app, tempo))
    relation = juju.relate(app, juju.provider("collector", HTTP))
    juju.expect(relation.id, 2)
    juju.hook(tempo, "update_status")
    finds(juju, "app/0", "otlp_http", {"value": HTTP["otlp_http"]})
    juju.remove(relation)


def two_backends(juju):
    """An endpoint without a limit has two relations, so that one has to be named."""
    tempo, collector = juju.provider("tempo", ALL), juju.provider("collector", HTTP)
    app = juju.requirer("app", "otlp_http", "zipkin", endpoint="workload-tracing", units=2)
    relations = [juju.relate(app, tempo), juju.relate(app, collector)]
    finds(juju, "app/0", "zipkin", {"error": "AmbiguousRelationUsageError"})
    found = [endpoints["zipkin"] for *_, endpoints in last(juju, "app/0").finds["relations"]]
    juju.expect(found, [{"value": ALL["zipkin"]}, {"value": None}])
    juju.hook(app, "config_changed", request=["otlp_grpc"])
    juju.remove(relations[0])
    juju.hook(app, "update_status")
    juju.remove(relations[1])


LIVES = [
    usual,
    late,
    idle,
    everything,
    unled,
    nothing_to_offer,
    second_thoughts,
    not_ascii,
    damaged,
    generous,
    successors,
    two_backends,
]


def receivers(urls, *names):
    """As the provider publishes them."""
    types = {name: "grpc" if name.endswith("grpc") else "http" for name in names}
    return json.dumps([{"protocol": {"name": name, "type": types[name]}, "url": urls[name]} for name in names])


def published(juju, relation, application, text):
    juju.expect(relation.published[application.name], {} if text is None else {"receivers": text})


def finds(juju, unit, protocol, expected):
    juju.expect(last(juju, unit).finds["endpoints"][protocol], expected)


def told(juju, unit, name):
    juju.expect([event[0] for event in last(juju, unit).events], [name])


def quiet(juju, happens, *arguments):
    """Nobody else gets to hear of this."""
    before = len(juju.dispatches)
    happens(*arguments)
    titles = [dispatch.title for dispatch in juju.dispatches[before:]]
    juju.expect([title for title in titles if " changed" in title], [])


def last(juju, unit):
    return next(dispatch for dispatch in reversed(juju.dispatches) if dispatch.unit == unit)
