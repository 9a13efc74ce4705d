"""Opens the page of `charm-traces` in a real Chromium, in both themes, and uses it.

    page.py CHROMIUM COMMAND...

The command is that of the program. Chromium is driven by its own protocol, over a pipe.
"""

import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 30
TRACES, LARGEST = 500, 10_000
# More rows than fit on the screen are not in the document.
MOST_ROWS = 150

# The state of the page, as somebody who looks at it would describe it.
LOOK = """({
    focus: document.activeElement.id,
    theme: document.documentElement.dataset.theme,
    summary: document.getElementById("summary").textContent,
    traces: document.querySelectorAll("[role=option]").length,
    spans: document.querySelectorAll("[role=treeitem]").length,
    setsize: Number(document.querySelector("[role=treeitem]")?.getAttribute("aria-setsize") ?? 0),
    span: document.querySelector("[role=treeitem][aria-selected=true] .text")?.textContent ?? null,
    found: document.getElementById("matches").textContent,
    details: document.getElementById("details").hidden ? null : document.querySelector("#details h2").textContent,
    error: document.querySelector("#details .complaint")?.textContent ?? null,
    help: document.getElementById("help").open,
    background: getComputedStyle(document.body).backgroundColor,
})"""


def main(chromium, command):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        page = directory / "page.html"
        (directory / "traces.json").write_text("\n".join(map(json.dumps, requests())))
        subprocess.run([*command, "show", str(directory / "traces.json"), "--html", str(page)], check=True, stdout=subprocess.DEVNULL)
        size = page.stat().st_size
        with Browser(chromium, directory) as browser:
            backgrounds = {theme: use(browser, page, theme) for theme in ("light", "dark")}
    assert backgrounds["light"] != backgrounds["dark"], backgrounds
    print(f"the page of {TRACES} traces and one of {LARGEST:,} spans has {size:,} bytes, and works in Chromium")


def use(browser, page, theme):
    """Does what a reader does; returns the colour of the background."""
    tab = browser.open(page, theme)
    look = tab.look()
    assert look["theme"] == theme and look["focus"] == "trace-rows", look
    assert f"{TRACES + 1} traces" in look["summary"], look
    assert 0 < look["traces"] < MOST_ROWS, look

    # The largest trace, from the top.
    tab.evaluate("document.querySelector('[data-order=spans]').click()")
    tab.evaluate("document.getElementById('trace-rows').focus()")
    tab.press("Home")
    tab.press("Enter")
    look = tab.look()
    assert look["setsize"] == LARGEST and 0 < look["spans"] < MOST_ROWS and look["focus"] == "span-rows", look
    tab.press("-")
    assert tab.look()["setsize"] < 1000, look
    tab.press("*")
    assert tab.look()["setsize"] == LARGEST

    tab.press("/")
    tab.type("step_7 ")
    look = tab.look()
    assert look["found"] == f"{LARGEST // 50} found" and look["span"].startswith("Workload.step_7 "), look
    tab.press("Escape")
    tab.press("e")
    look = tab.look()
    assert look["details"] == f"method call: {look['span']}" and look["error"] == "cannot reach <b>it</b>", look
    tab.press("Escape")
    assert tab.look()["details"] is None
    tab.press("?")
    assert tab.look()["help"]
    tab.press("Escape")
    tab.evaluate("document.getElementById('span-rows').scrollTop = 1e6")
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert 0 < tab.look()["spans"] < MOST_ROWS

    tab.evaluate("document.getElementById('failed-only').click()")
    assert f" of {TRACES + 1} traces" in tab.look()["summary"]
    took = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert tab.requests == [page.as_uri()], tab.requests
    assert tab.complaints == [], tab.complaints
    print(f"{theme}: interactive after {took:.0f} ms")
    return tab.look()["background"]


def requests():
    """The traces as OTLP in JSON."""
    chance = random.Random(7)
    yield request(chance, LARGEST)
    for _ in range(TRACES):
        yield request(chance, chance.randint(3, 40))


def request(chance, count):
    start = 1_795_942_800_000_000_000 + chance.randrange(10**15)
    trace = f"{chance.getrandbits(128):032x}"
    spans = []
    for at in range(count):
        name = "app/0: start event" if at == 0 else "event: start" if at == 1 else f"method call: Workload.step_{at % 50} "
        span = {
            "traceId": trace,
            "spanId": f"{at + 1:016x}",
            "parentSpanId": "" if at == 0 else f"{(at - 1) // 4 + 1:016x}",
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(start + at * 1000),
            "endTimeUnixNano": str(start + (2 * count - at) * 1000),
            "attributes": [{"key": "code.line.number", "value": {"intValue": str(at)}}],
        }
        if at % 100 == 60:
            span["status"] = {"code": 2, "message": "cannot reach <b>it</b>"}
        spans.append(span)
    resource = {"attributes": [{"key": "juju_unit", "value": {"stringValue": "app/0"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]}


class Browser:
    def __init__(self, chromium, directory):
        # Chromium reads commands from descriptor 3, and writes to 4.
        (child_in, self.out), (self.into, child_out) = os.pipe(), os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", f"--user-data-dir={directory}/profile"]
        script = f'exec "$0" "$@" 3<&{child_in} 4>&{child_out}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, chromium, *flags],
            pass_fds=(child_in, child_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(child_in)
        os.close(child_out)
        self.read, self.last, self.events = b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(PATIENCE_S)

    def ask(self, method, session=None, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == self.last:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def next(self):
        while b"\0" not in self.read:
            more = os.read(self.into, 65536)
            assert more, "Chromium has ended"
            self.read += more
        message, self.read = self.read.split(b"\0", 1)
        return json.loads(message)

    def open(self, page, theme):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Tab(self, session, page, theme)


class Tab:
    def __init__(self, browser, session, page, theme):
        self.browser, self.session = browser, session
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setDeviceMetricsOverride", width=1500, height=850, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.ask("Page.navigate", url=page.as_uri())
        end = time.monotonic() + PATIENCE_S
        while self.evaluate("document.readyState + document.querySelectorAll('[role=treeitem]').length")[:8] != "complete" and time.monotonic() < end:
            time.sleep(0.05)

    def ask(self, method, **params):
        return self.browser.ask(method, self.session, **params)

    def evaluate(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def look(self):
        return self.evaluate(LOOK)

    def press(self, key):
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def of(self, method):
        return [event["params"] for event in self.browser.events if event.get("sessionId") == self.session and event["method"] == method]

    @property
    def requests(self):
        urls = [event["request"]["url"] for event in self.of("Network.requestWillBeSent")]
        return [url for url in urls if not url.startswith("data:")]

    @property
    def complaints(self):
        return self.of("Runtime.exceptionThrown") + self.of("Runtime.consoleAPICalled") + self.of("Log.entryAdded")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    main(sys.argv[1], sys.argv[2:])
