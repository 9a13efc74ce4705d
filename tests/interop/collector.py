"""Delivers the demo's traces to a real OpenTelemetry collector, and reads in the collector's own output what it got.

    collector.py COMMAND...

The command is that of the demo; the collector's endpoint is added to it.
"""

import contextlib
import pathlib
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time

import rotel

import demo

AGENT = pathlib.Path(rotel.__file__).with_name("rotel-agent")
PATIENCE_S = 20
POLL_S = 0.05
STARTS = 3

# How the collector prints the beginning of a span.
SPAN = re.compile(
    r"""
    ^\s+Trace\ ID\s*:\ (?P<trace_id>.*)\n
    \s+Parent\ ID\s*:\ (?P<parent_id>.*)\n
    \s+ID\s*:\ (?P<span_id>.*)\n
    \s+Name\s*:\ (?P<name>.*)\n
    \s+Kind\s*:\ .*\n
    Start\ time:\ (?P<start>\d+)$
    """,
    re.MULTILINE | re.VERBOSE,
)
RESOURCE = re.compile(r"^ResourceSpans #\d+$", re.MULTILINE)
SERVICE = re.compile(r"^\s+-> service\.name: (.*)$", re.MULTILINE)


def main(command):
    expected = sum(line != "" for line in demo.EXPECTED.splitlines())
    with tempfile.TemporaryDirectory() as directory:
        output = pathlib.Path(directory, "output")
        with collector(output) as endpoint:
            problems = demo.run(command, endpoint)
            if not problems:
                # It answers before it prints.
                wait_for(lambda: len(spans_in(output.read_text())) >= expected)
        printed = output.read_text()

    spans, services = spans_in(printed), SERVICE.findall(printed)
    problems += demo.compare(spans)
    if services != ["Str(app-charm)"] * len(RESOURCE.findall(printed)):
        problems.append(f"not every resource is the service app-charm: {services}")
    if problems:
        print(*problems, f"the collector printed:\n{printed}", sep="\n\n", file=sys.stderr)
        return 1
    traces = {span.trace_id for span in spans}
    print(f"the collector printed {len(spans)} spans in {len(traces)} traces of app-charm, each where it belongs")
    return 0


@contextlib.contextmanager
def collector(output):
    """Runs the collector, which writes to the file `output`; gives its OTLP/HTTP endpoint."""
    for _ in range(STARTS):
        # It cannot be told to choose ports itself. Should another program take one meanwhile, it exits.
        http, grpc = free_ports()
        process = start(output, http, grpc)
        try:
            wait_for(lambda: process.poll() is not None or accepts(http))
            if process.poll() is None:
                yield f"http://127.0.0.1:{http}"
                return
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
    raise SystemExit(f"the collector does not start:\n{output.read_text()}")


def start(output, http, grpc):
    # The debug output is no exporter, and without one it takes nothing.
    arguments = {
        "--otlp-http-endpoint": f"127.0.0.1:{http}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
        "--exporters": "nowhere:blackhole",
        "--exporters-traces": "nowhere",
        "--debug-log": "traces",
        "--debug-log-verbosity": "detailed",
        "--log-format": "json",
    }
    words = [word for argument in arguments.items() for word in argument]
    with output.open("w") as file:
        return subprocess.Popen(
            [AGENT, "start", *words],
            cwd=output.parent,
            # The binary is linked with Python's shared library, wherever that is.
            env={"LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR")},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def free_ports():
    with socket.socket() as one, socket.socket() as other:
        for free in one, other:
            free.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def accepts(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition):
    """What comes too late is missed later, where more can be said about it."""
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(POLL_S)


def spans_in(printed):
    return [demo.Span(**{**match.groupdict(), "start": int(match["start"])}) for match in SPAN.finditer(printed)]


if __name__ == "__main__":
    # As when it is interrupted: the collector does not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    sys.exit(main(sys.argv[1:]))
