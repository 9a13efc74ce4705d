"""Runs the charm with `ops-tracing` that docs/guide/from-python.md shows, in the Juju that ops has for tests.

Its spans and its resource are those that the page says have other names here.
"""

import pathlib
import re

from ops import testing

PAGE = pathlib.Path(__file__).parents[2] / "docs/guide/from-python.md"
METADATA = {
    "name": "my-charm",
    "requires": {
        "charm-tracing": {"interface": "tracing", "limit": 1},
        "receive-ca-cert": {"interface": "certificate_transfer", "limit": 1},
    },
}


def main():
    page = PAGE.read_text()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "ops.tracing.Tracing" in block]
    shown = {"__name__": "shown"}
    exec(compile(code, str(PAGE), "exec"), shown)

    context = testing.Context(shown["MyCharm"], meta=METADATA)
    state = context.run(context.on.update_status(), testing.State())
    assert state.unit_status == testing.ActiveStatus(), state.unit_status
    spans = sorted(context.trace_data, key=lambda span: span.start_time)
    names = [span.name for span in spans]
    assert names == ["ops.main", "ops.tracing.Tracing", "update_status: MyCharm"], names
    assert all(f"`{name}`" in page for name in names), names
    resource = dict(spans[0].resource.attributes)
    assert resource["service.name"] == "my-charm", resource
    same = ["juju_unit", "juju_application", "juju_model", "charm", "charm_type", "service.instance.id"]
    assert all(f"`{key}`" in page for key in same) and resource.keys() >= set(same), resource
    print(f"the charm with ops-tracing in {PAGE.name} runs, and has the spans {', '.join(names)}")


if __name__ == "__main__":
    main()
