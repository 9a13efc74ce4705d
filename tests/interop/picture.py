"""Draws the page of `charm-traces`: Chromium prints it, and the print is written as SVG.

    picture.py CHROMIUM SVG COMMAND...

The command is that of the program. The texts of the page are the description of the picture. It fails if the page has others now, and
draws the picture again if the variable PICTURE is `overwrite`. Where a text stands depends on the fonts of the machine, so that is not
compared.
"""

import base64
import html
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pymupdf

from page import Browser

WIDTH, HEIGHT = 1100, 680
NINE = 1_795_942_800_000_000_000
# The traces that the guide shows as trees: name, id, parent, begin and end in microseconds after nine.
TRACES = {
    0x11: [
        ("app/0: config-changed event", 1, 0, 0, 12_000),
        ("method call: MyCharm.new", 2, 1, 100, 2_000),
        ("event: config_changed", 3, 1, 3_000, 11_900),
        ("method call: MyCharm.on_config_changed", 4, 3, 3_100, 11_800),
        ("relation-get", 5, 4, 4_000, 9_000),
    ],
    0x22: [
        ("app/0: start event", 1, 0, 60_000_000, 60_005_000),
        ("event: start", 2, 1, 60_001_000, 60_004_000),
    ],
}
FAILED = {"method call: MyCharm.on_config_changed": "cannot reach <the database>"}


def main(chromium, picture, command):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        traces = "\n".join(json.dumps(request(*trace)) for trace in TRACES.items())
        page = directory / "page.html"
        environment = {**os.environ, "TZ": "UTC"}
        subprocess.run([*command, "show", "-", "--html", page], input=traces.encode(), env=environment, check=True, stdout=subprocess.DEVNULL)
        os.environ["TZ"] = "UTC"
        with Browser(chromium, directory) as browser:
            tab = browser.open(page, "light")
            choose(tab)
            texts = "\n".join(tab.evaluate("document.body.innerText").split())
            if os.environ.get("PICTURE") == "overwrite":
                picture.write_text(draw(tab, texts))
    described = html.unescape(re.search("<desc>(.*?)</desc>", picture.read_text(), re.DOTALL)[1])
    assert texts == described, f"the page has changed, PICTURE=overwrite draws it:\n{texts}\nnot\n{described}"
    print(f"{picture.name} shows the page as it is: {len(texts.split())} words")


def request(trace, spans):
    def written(name, id, parent, begin, end):
        span = {
            "traceId": f"{trace:02x}" * 16,
            "spanId": f"{id:016x}",
            "parentSpanId": f"{parent:016x}" if parent else "",
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(NINE + begin * 1000),
            "endTimeUnixNano": str(NINE + end * 1000),
        }
        if name == "relation-get":
            span["attributes"] = [{"key": "juju.hook_tool.arguments", "value": {"arrayValue": {"values": [{"stringValue": "host"}]}}}]
        if name in FAILED:
            span["status"] = {"code": 2, "message": FAILED[name]}
        return span

    resource = {"attributes": [{"key": "juju_unit", "value": {"stringValue": "app/0"}}]}
    spans = [written(*span) for span in spans]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]}


def choose(tab):
    """Chooses the trace that failed, and shows the details of the span that did."""
    tab.ask("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)
    tab.evaluate("document.getElementById('trace-rows').focus()")
    tab.press("End")
    tab.press("Enter")
    tab.press("e")
    look = tab.look()
    assert look["error"] == "cannot reach <the database>", look


def draw(tab, texts):
    """Returns what is on the screen."""
    tab.ask("Emulation.setEmulatedMedia", media="screen")
    # Letters that are joined would not be found by who searches the picture.
    tab.evaluate("document.body.style.fontVariantLigatures = 'none'")
    inches = {"paperWidth": WIDTH / 96, "paperHeight": HEIGHT / 96}
    margins = dict.fromkeys(["marginTop", "marginBottom", "marginLeft", "marginRight"], 0)
    printed = tab.ask("Page.printToPDF", printBackground=True, **inches, **margins)
    document = pymupdf.open("pdf", base64.b64decode(printed["data"]))
    assert len(document) == 1, "one page"
    drawn = document[0].get_svg_image(text_as_path=False)
    # Places are exact to a tenth of a point.
    places = lambda tag: re.sub(r"\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}", tag[0])
    drawn = re.sub("<[^>]*>", places, drawn)
    return drawn.replace("<defs>", f"<desc>{html.escape(texts)}</desc>\n<defs>", 1)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:])
