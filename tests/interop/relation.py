"""Plays lives of `tracing` relations with the Python library and this repository's crate on either side, and compares.

    relation.py COMMAND...

The command is that of `relation-side`. A life that is all Python is what the same life must be like after every
dispatch when others play it: the databags byte for byte, the events, and what else a charm can learn of its library.
How often a databag was written is not compared: the Python library deletes, and writes again, what is there already.
"""

import difflib
import json
import logging
import pathlib
import sys
import tempfile
import warnings
from collections import Counter
from functools import partial
from itertools import zip_longest
from typing import Callable, NamedTuple

from lives import LIVES
from sides import PROTOCOLS, Python, Remembering, Rust
from small_juju import Juju


PYTHON = Python()
ASKING, REMEMBERING = ALL_RUST = "all in Rust", "all in Rust, with a memory"


class Wider(NamedTuple):
    """Where the crate is meant to do something else: what it finds instead of an error, under which key, and why."""

    why: str
    error: str
    instead: dict
    applies: Callable


WIDER = [
    Wider(
        "a follower cannot read what its application has requested, and that is no reason for its hook to fail",
        "RelationDataAccessError",
        {"value": None},
        lambda dispatch, key: not dispatch.leader and key in PROTOCOLS,
    ),
    Wider(
        "the same; the Python library means to do so, and looks for a text that ops says no longer",
        "RelationDataAccessError",
        {"value": [None, None]},
        lambda dispatch, key: not dispatch.leader and key == "config",
    ),
    Wider(
        "while there is no relation, nothing could be requested, and an endpoint may be asked for all the same",
        "ProtocolNotRequestedError",
        {"value": None},
        lambda dispatch, key: not dispatch.related and key in PROTOCOLS,
    ),
    Wider(
        "what the charm was constructed with it has requested, even if it requests something else a moment later",
        "ProtocolNotRequestedError",
        {"value": None},
        lambda dispatch, key: dispatch.charm["request"] and key in dispatch.charm["protocols"],
    ),
    Wider(
        "that only the leader may publish is the same error on either side",
        "RuntimeError",
        {"error": "DataAccessPermissionError"},
        lambda dispatch, key: not dispatch.leader and key == "publish",
    ),
]


def main(command):
    # The library uses much of pydantic that is to go, and the tests of ops have opinions on how they are used.
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())

    problems, played, tools, used = [], 0, Counter(), set()
    with Rust(command) as rust, tempfile.TemporaryDirectory() as directory:
        for life in LIVES:
            play = partial(play_life, life, pathlib.Path(directory, life.__name__))
            reference = play("reference", lambda *_: PYTHON)
            tools.update({"all in Python": count_tools(reference)})
            for pairing, side_of in pairings(rust).items():
                dispatches = play(pairing, side_of)
                played += len(dispatches)
                if problem := compare(reference, dispatches, used):
                    problems.append(f"{life.__name__}, {pairing}: {problem}")
                if pairing in ALL_RUST:
                    tools.update({pairing: count_tools(dispatches)})

    unused = [wider for wider in WIDER if wider.why not in used]
    problems += [f"Python no longer differs, so that this has to go: {wider.why}" for wider in unused]
    if tools[REMEMBERING] >= tools[ASKING]:
        problems.append(f"the memory is of no use: {tools}")
    if problems:
        print(*problems, sep="\n\n", file=sys.stderr)
        return 1
    print(f"{len(LIVES)} lives, each with {len(pairings(rust))} pairings of languages: {played} dispatches")
    print("hook tools:", ", ".join(f"{count} {pairing}" for pairing, count in tools.items()))
    return 0


def pairings(rust):
    """Which language a dispatch is played in, by the number of the dispatch, the application, and its unit."""
    languages = [PYTHON, rust]
    remembering = [PYTHON, Remembering(rust)]
    return {
        "requirers in Rust": lambda _, application, __: languages[application.role == "requirer"],
        "providers in Rust": lambda _, application, __: languages[application.role == "provider"],
        ASKING: lambda *_: rust,
        # Units that are written in Rust for all their lives, and may thus keep what they have learned.
        "requirers in Rust, with a memory": lambda _, application, __: remembering[application.role == "requirer"],
        REMEMBERING: lambda *_: remembering[1],
        # As if a charm was rewritten, and its units were upgraded one by one; and to and fro.
        "languages by unit": lambda _, __, number: languages[number % 2],
        "languages by dispatch": lambda dispatch, *_: languages[dispatch % 2],
    }


def play_life(life, directory, pairing, side_of):
    juju = Juju(side_of, directory / pairing, is_reference=pairing == "reference")
    life(juju)
    return juju.dispatches


def count_tools(dispatches):
    return sum(dispatch.tools for dispatch in dispatches)


def compare(reference, dispatches, used):
    """The first difference; others may follow from it. Adds to `used` what the crate is meant to do otherwise."""
    for number, (expected, found) in enumerate(zip_longest(reference, dispatches), 1):
        if expected and found and found.side != PYTHON.name:
            expected = expected._replace(finds=as_meant(expected.finds, None, expected, used))
        expected, found = lines_of(expected), lines_of(found)
        if expected != found:
            diff = difflib.unified_diff(expected, found, "in Python", "found", n=99, lineterm="")
            return f"dispatch {number} is not as it is in Python\n" + "\n".join(diff)
    return None


def as_meant(found, key, dispatch, used):
    """What Python found under `key`, or what the crate is meant to find there instead."""
    if isinstance(found, list):
        return [as_meant(item, None, dispatch, used) for item in found]
    if not isinstance(found, dict):
        return found
    for wider in WIDER:
        if found == {"error": wider.error} and wider.applies(dispatch, key):
            used.add(wider.why)
            return wider.instead
    return {key: as_meant(item, key, dispatch, used) for key, item in found.items()}


def lines_of(dispatch):
    if dispatch is None:
        return ["nothing happened"]
    compared = {"events": dispatch.events, "finds": dispatch.finds, "published": dispatch.published}
    return [dispatch.title, *json.dumps(compared, indent=2, sort_keys=True).splitlines()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
