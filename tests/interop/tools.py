"""The hook tools that a charm with the Python library runs for its relation, in each kind of dispatch, and that the
documentation of ours says so. The charm is a real one, run by the simulated Juju as ours is."""

import pathlib
import re
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTATION = REPOSITORY / "tracing-relation/src/requirer.rs"

CHARM = f"""\
#!{sys.executable} -EsB
import ops
from charmlibs.interfaces.tracing import TracingEndpointRequirer, charm_tracing_config


class Charm(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        self.tracing = TracingEndpointRequirer(self, "tracing", ["otlp_http"])
        self.endpoint, self.certificate = charm_tracing_config(self.tracing, None)


ops.main(Charm)
"""


def documented():
    """The column of Python, by the kind of dispatch."""
    rows = re.findall(r"^/// \| (.+?) \| \**\d+\** \| (\d+) \|$", DOCUMENTATION.read_text(), re.MULTILINE)
    return {kind: int(count) for kind, count in rows}


def counted():
    """What a run of the charm in all kinds of dispatches took: how many, and which."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as charm:
        charm.write(CHARM)
        charm.flush()
        done = subprocess.run([*sys.argv[1:], charm.name], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    lines = (line.split("\t") for line in done.stdout.splitlines())
    return {kind: (int(count), tools) for kind, count, tools in lines}


def main():
    expected, found = documented(), counted()
    for kind, (count, tools) in found.items():
        print(f"{count} {kind}: {tools}")
    if not found or {kind: count for kind, (count, _) in found.items()} != expected:
        sys.exit(f"the documentation says otherwise: {expected}")


main()
