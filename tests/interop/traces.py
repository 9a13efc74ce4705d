"""Lets real producers send to `charm-traces collect`, real libraries write the files that `charm-traces show` reads, and a real
collector take what `charm-traces export` writes.

    traces.py COMMAND...

The command is that of the program. The producers are OpenTelemetry's exporter for Python, `ops-tracing`, and rotel, a collector
that passes on what it gets.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
import zlib

import collector as interop
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from ops_tracing import _backend

# The library joins the requests in its buffer with this.
SEPARATOR = b"__CHARM_TRACING_BUFFER_SPAN_SEP__"
EXPECTED = ["plain", "packed", "from ops", "through rotel"]


def main(command):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        problems = producers(command, directory) + stored(command, directory) + exported(command, directory)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print("charm-traces takes what real producers send, reads what real libraries store, and a collector takes what it exports")
    return min(len(problems), 1)


def producers(command, directory):
    """Sends a trace by each producer; the collector ends when it has all of them."""
    expected = [word for name in EXPECTED for word in ("--expect", f"event: {name}")]
    saved = directory / "saved"
    collect = ["collect", "--listen", "127.0.0.1:0", "--for", "60", "--save", str(saved), *expected]
    # The program is a child of cargo, so both are ended as a group.
    process = subprocess.Popen([*command, *collect], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        endpoint = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
        url = f"{endpoint}/v1/traces"
        record(exporter(url, Compression.NoCompression), "plain")
        record(exporter(url, Compression.Gzip), "packed")
        ops_traces(directory / "ops", "from ops", url)
        with rotel(directory / "rotel.log", endpoint) as through:
            record(exporter(f"{through}/v1/traces", Compression.NoCompression), "through rotel")
        printed, _ = process.communicate(timeout=90)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(interop.PATIENCE_S)
    problems = []
    if process.returncode != 0:
        problems.append(f"collect ended with {process.returncode}:\n{printed}")
    problems += shown(command, saved, EXPECTED)
    return problems


def stored(command, directory):
    """Lets real libraries store traces, and the program show them."""
    python, ops, queue = (directory / name for name in ("python", "waiting", "queue"))
    for path in python, queue:
        path.mkdir()
    requests = [encoded("first"), encoded("second")]
    (python / ".charm_tracing_buffer.raw").write_bytes(SEPARATOR.join(requests))
    ops_traces(ops, "waits", None)
    name = f"{1795942800000:016}-{'1' * 32}-{zlib.crc32(requests[0]):08x}.otlp"
    (queue / name).write_bytes(requests[0])
    problems = shown(command, python, ["first", "second"])
    problems += shown(command, ops, ["waits"])
    problems += shown(command, queue, ["first"])
    return problems


def exported(command, directory):
    """Posts what `export` writes to a real collector."""
    (directory / "two").write_bytes(encoded("first") + encoded("second"))
    with interop.collector(directory / "collector.log") as endpoint:
        for written, content_type in ("otlp-json", "application/json"), ("otlp", "application/x-protobuf"):
            export = [*command, "export", str(directory / "two"), "--format", written]
            body = subprocess.run(export, stdout=subprocess.PIPE, check=True).stdout
            headers = {"Content-Type": content_type}
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/v1/traces", body, headers)).close()
        interop.wait_for(lambda: len(collected(directory)) >= 8)
    names = sorted(span.name for span in collected(directory))
    expected = sorted(["py/0: some event", "event: first", "py/0: some event", "event: second"] * 2)
    return [] if names == expected else [f"the collector has {names}, and not {expected}"]


def collected(directory):
    return interop.spans_in((directory / "collector.log").read_text())


def shown(command, path, events):
    """Compares the events in the list of `show`."""
    listed = subprocess.run([*command, "show", "--list", str(path)], capture_output=True, text=True)
    missing = [event for event in events if f"  {event}  " not in listed.stdout]
    if listed.returncode == 0 and not missing and listed.stdout.count("\n") == len(events) + 1:
        return []
    return [f"show of {path.name} lacks {missing}, or has more, and ended with {listed.returncode}:\n{listed.stdout}{listed.stderr}"]


def exporter(url, compression):
    return OTLPSpanExporter(endpoint=url, compression=compression)


def record(exporter, event, provider=None):
    """Records a trace with an attribute of each type, and exports it."""
    provider = provider or TracerProvider(resource=Resource.create({"service.name": "py", "juju_unit": "py/0"}))
    if exporter:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("interop")
    with tracer.start_as_current_span("py/0: some event"):
        with tracer.start_as_current_span(f"event: {event}") as span:
            span.set_attributes({"text": "größer", "number": 2**60, "part": 0.5, "flag": True, "list": ["a", "b"]})
            span.add_event("happened", {"times": 3})
    provider.shutdown()


def encoded(event):
    memory = Memory()
    record(memory, event)
    return encode_spans(memory.spans).SerializeToString()


class Memory(SpanExporter):
    def __init__(self):
        self.spans = []

    def export(self, spans):
        self.spans += spans
        return SpanExportResult.SUCCESS


def ops_traces(directory, event, url):
    """Records a trace by the exporter of `ops-tracing`, which sends to `url`, or keeps it in its database."""
    directory.mkdir()
    resource = Resource.create({"service.name": "py", "juju_unit": "py/0"})
    provider = _backend._create_provider(resource, directory)
    _backend.set_destination(url, None)
    record(None, event, provider)


@contextlib.contextmanager
def rotel(output, endpoint):
    """Runs the collector, which sends what it gets to `endpoint`; gives its own endpoint."""
    http, grpc = interop.free_ports()
    arguments = {
        "--otlp-http-endpoint": f"127.0.0.1:{http}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
        "--exporter": "otlp",
        "--otlp-exporter-protocol": "http",
        "--otlp-exporter-endpoint": endpoint,
        "--otlp-exporter-compression": "gzip",
    }
    words = [word for argument in arguments.items() for word in argument]
    with output.open("w") as file:
        process = subprocess.Popen(
            [interop.AGENT, "start", *words],
            cwd=output.parent,
            env={"LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR")},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        interop.wait_for(lambda: process.poll() is not None or interop.accepts(http))
        yield f"http://127.0.0.1:{http}"
    finally:
        process.terminate()
        process.wait(interop.PATIENCE_S)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    # The variables of the environment would lead elsewhere.
    for variable in list(os.environ):
        if variable.startswith("OTEL_") or variable.lower().endswith("_proxy"):
            del os.environ[variable]
    sys.exit(main(sys.argv[1:]))
