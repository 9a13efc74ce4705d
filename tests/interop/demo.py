"""The demo, and the traces that a backend must hold after it."""

import difflib
import pathlib
import subprocess
from collections import defaultdict
from typing import NamedTuple

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# A line for each span.
EXPECTED = pathlib.Path(__file__).with_name("expected.txt").read_text()

# Cargo may have to wait for another build.
PATIENCE_S = 300


class Span(NamedTuple):
    """As much of a span as its place in the tree depends on. Ids are in hexadecimal; a root's parent is ''."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int


def run(command, endpoint):
    """Sends the demo's traces to `endpoint`. What is wrong, if it fails: it says itself when its story goes wrong."""
    done = subprocess.run(
        [*command, "--endpoint", endpoint],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
    )
    if done.returncode == 0:
        return []
    return [f"the demo failed with exit code {done.returncode}:\n{done.stdout}"]


def draw(spans):
    """The traces as indented trees, in the order in which their first spans and, below, all siblings started."""
    ids = {(span.trace_id, span.span_id) for span in spans}
    children = defaultdict(list)
    tops = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start):
        parent = (span.trace_id, span.parent_id)
        (children[parent] if parent in ids else tops[span.trace_id]).append(span)

    def lines(span, depth):
        lost = " (its parent is missing)" if depth == 0 and span.parent_id else ""
        yield f"{'  ' * depth}{span.name}{lost}"
        for child in children.pop((span.trace_id, span.span_id), ()):
            yield from lines(child, depth + 1)

    trees = ["\n".join(line for top in trace for line in lines(top, 0)) for trace in tops.values()]
    # Taken out when they are drawn, so what is left hangs from no top.
    trees += [f"{span.name} (its own ancestor)" for circle in children.values() for span in circle]
    return "\n\n".join(trees) + "\n"


def compare(spans):
    """How the trees that arrived differ from the expected ones."""
    drawn = draw(spans).splitlines()
    diff = list(difflib.unified_diff(EXPECTED.splitlines(), drawn, "expected", "arrived", n=99, lineterm=""))
    return ["other spans arrived than expected:\n" + "\n".join(diff)] if diff else []
