"""Receives the demo's traces, decodes them as OpenTelemetry for Python does, and checks all that is documented of them.

    decode.py COMMAND...

The command is that of the demo; an endpoint is added to it.
"""

import gzip
import http.server
import re
import socketserver
import sys
import threading
import zlib
from collections import Counter
from typing import NamedTuple

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import demo

SOME_TEXT = "some text"
MODEL_UUID = "20e13b21-6a7b-4f39-8f5a-5f2f4b0d0c01"
RESOURCE = {
    "charm": "requirer-charm",
    "charm_type": "RequirerCharm",
    "compose_service": "app-charm",
    "juju_application": "app",
    "juju_model": "test-model",
    "juju_model_uuid": MODEL_UUID,
    "juju_unit": "app/0",
    "service.instance.id": "0",
    "service.name": "app-charm",
    "service.namespace": MODEL_UUID,
    "service.namespace.name": "test-model",
    "telemetry.sdk.language": "rust",
    "telemetry.sdk.name": "charm-tracing",
    "telemetry.sdk.version": SOME_TEXT,
}
# What the example adds to the spans of its own calls.
ADDED = {"method call: Workload.configure": {"workload.changed": True}}
# What the example's hook tools write: a status message, and the protocol that it asks for over the relation.
DATA = [b"installing the workload", b"otlp_http"]


class Request(NamedTuple):
    path: str
    headers: dict
    body: bytes


def main(command):
    with Backend() as backend:
        problems = demo.run(command, backend.endpoint)
    if not problems:
        problems = list(problems_of(backend.requests))
    if problems:
        print(*problems, sep="\n\n", file=sys.stderr)
        return 1
    print(f"{len(backend.requests)} requests decoded, and everything in them is as documented")
    return 0


class Backend(socketserver.ThreadingTCPServer):
    """Keeps the requests it gets, as they come, and says that it took them."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(Request(self.path, headers, body))
        # An ExportTraceServiceResponse without anything in it is the empty string.
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def problems_of(requests):
    messages = []
    for number, request in enumerate(requests, 1):
        for problem in problems_of_request(request, messages):
            yield f"request {number}: {problem}"

    groups = [group for message in messages for group in message.resource_spans]
    for group in groups:
        yield from problems_of_resource(group.resource)
    spans = [span for group in groups for scoped in group.scope_spans for span in scoped.spans]
    yield from demo.compare([as_drawn(span) for span in spans])
    yield from problems_of_ids(spans)
    yield from problems_of_order(spans)
    for span in spans:
        for problem in problems_of_span(span):
            yield f"span {span.name!r}: {problem}"


def problems_of_request(request, messages):
    """Adds the decoded message, if there is one, to `messages`."""
    if request.path != "/v1/traces":
        yield f"it is for the path {request.path}"
    if request.headers.get("content-type") != "application/x-protobuf":
        yield f"its content type is {request.headers.get('content-type')}"
    encoding = request.headers.get("content-encoding", "identity")
    if encoding not in ("identity", "gzip"):
        yield f"its content encoding is {encoding}"
        return
    try:
        body = gzip.decompress(request.body) if encoding == "gzip" else request.body
        message = ExportTraceServiceRequest.FromString(body)
    except (DecodeError, EOFError, OSError, zlib.error) as error:
        yield f"it is not an ExportTraceServiceRequest: {error}"
        return
    yield from (f"it tells {data!r}, which a hook tool wrote" for data in DATA if data in body)
    yield from unknown_fields(message, "ExportTraceServiceRequest")
    messages.append(message)


def unknown_fields(message, path):
    for unknown in UnknownFieldSet(message):
        yield f"{path} has the unknown field {unknown.field_number}"
    for field, value in message.ListFields():
        if field.message_type:
            for inner in value if field.is_repeated else [value]:
                yield from unknown_fields(inner, f"{path}.{field.name}")


def problems_of_resource(resource):
    found = attributes(resource)
    yield from (f"resource: {problem}" for problem in repeated_attributes(resource))
    for key in sorted(RESOURCE.keys() | found.keys()):
        expected, actual = RESOURCE.get(key), found.get(key)
        if expected is SOME_TEXT and isinstance(actual, str) and actual:
            continue
        if expected != actual:
            yield f"resource: {key} should be {expected!r}, and is {actual!r}"


def problems_of_ids(spans):
    for span in spans:
        for which, value, length in ("trace id", span.trace_id, 16), ("span id", span.span_id, 8):
            if len(value) != length or not any(value):
                yield f"span {span.name!r}: its {which} is {value.hex() or 'empty'}, not {length} bytes"
    for span_id, count in Counter(span.span_id for span in spans).items():
        if count > 1:
            names = [span.name for span in spans if span.span_id == span_id]
            yield f"the span id {span_id.hex()} belongs to more than one span: {names}"


def problems_of_order(spans):
    """Within a trace spans are sent as they ended, the root last; and of two traces the older one first."""
    traces = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    for trace in traces.values():
        roots = [span.name for span in trace if not span.parent_span_id]
        if len(roots) != 1:
            yield f"a trace has {len(roots)} roots: {roots}"
        if trace[-1].parent_span_id:
            yield f"the last span of the trace of {roots} is not the root, but {trace[-1].name!r}"
        if trace != sorted(trace, key=lambda span: span.end_time_unix_nano):
            yield f"the spans of {roots} were not sent as they ended: {[span.name for span in trace]}"
    starts = [min(span.start_time_unix_nano for span in trace) for trace in traces.values()]
    if starts != sorted(starts):
        yield f"the oldest trace did not come first: {[trace[-1].name for trace in traces.values()]}"


def problems_of_span(span):
    yield from repeated_attributes(span)
    if span.end_time_unix_nano < span.start_time_unix_nano:
        yield "it ended before it started"
    if span.kind != Span.SPAN_KIND_INTERNAL:
        yield f"its kind is {Span.SpanKind.Name(span.kind)}"
    if span.status.code != Status.STATUS_CODE_UNSET:
        yield f"nothing failed, but its status is {Status.StatusCode.Name(span.status.code)}"

    found = attributes(span)
    kind, _, name = span.name.rpartition(": ")
    events = [event.name for event in span.events]
    if events != ([name] if kind == "event" else []):
        yield f"its span events are {events}"
    if not span.parent_span_id:
        path = f"hooks/{name.removesuffix(' event')}"
        pid = found.pop("process.pid", None)
        if not isinstance(pid, int) or pid <= 0:
            yield f"its process.pid is {pid!r}"
        if found != {"juju.dispatch_path": path, "process.exit.code": 0}:
            yield f"it should tell juju.dispatch_path={path} and the exit code 0, but has {found}"
    elif kind == "event":
        if found not in ({"event_type": "hook"}, {"event_type": "custom"}):
            yield f"its only attribute should be its event_type, but it has {found}"
    elif kind in ("method call", "function call"):
        yield from problems_of_call(name.split(".")[-1], found, ADDED.get(span.name, {}))
    else:
        found.pop("process.pid", None)
        arguments = found.pop("juju.hook_tool.arguments", None)
        if found != {"process.exit.code": 0} or not is_texts(arguments):
            yield f"a hook tool should tell its arguments and the exit code 0, but has {arguments} and {found}"


def problems_of_call(function, found, added):
    path, file, line = (found.pop(f"code.{key}", None) for key in ("function.name", "file.path", "line.number"))
    if found != added:
        yield f"beside where its code is it should tell {added}, but tells {found}"
    if not isinstance(path, str) or path.split("::")[-1] != function:
        yield f"its code.function.name is {path!r}"
    if not isinstance(file, str) or not isinstance(line, int) or isinstance(line, bool):
        yield f"its code.file.path is {file!r}, its code.line.number {line!r}"
        return
    try:
        source = (demo.REPOSITORY / file).read_text().splitlines()[line - 1]
    except (OSError, IndexError) as error:
        yield f"there is no {file}:{line}: {error}"
        return
    if not re.search(rf"\bfn {function}\b", source):
        yield f"the function {function} is not in {file}:{line}, which is {source!r}"


def is_texts(value):
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def repeated_attributes(owner):
    counts = Counter(attribute.key for attribute in owner.attributes)
    return [f"the attribute {key} is there {count} times" for key, count in counts.items() if count > 1]


def attributes(owner):
    return {attribute.key: plain(attribute.value) for attribute in owner.attributes}


def plain(value):
    """An AnyValue as a value of Python."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


def as_drawn(span):
    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    return demo.Span(span.name, *ids, span.start_time_unix_nano)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
