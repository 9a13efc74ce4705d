// What is known of one span.

function showDetails(element, trace, span, wanted, close) {
  const table = (pairs) => make("table", {}, make("tbody", {}, pairs.map(([key, value]) =>
    make("tr", {}, make("th", { scope: "row" }, marked(key, wanted)), make("td", {}, valueOf(value, wanted))))));
  const section = (title, ...content) => [make("h3", {}, title), ...content];
  const events = span.events.map((event) => make("li", {},
    make("span", { className: "when" }, `+${took(event.at)}`), make("b", {}, marked(event.name, wanted)),
    table(event.attributes)));
  const own = Math.max(0, span.duration - span.inChildren);
  element.replaceChildren(...[
    make("header", {}, make("h2", {}, span.name), make("button", { type: "button", ariaLabel: "Close", title: "Close (Esc)", onclick: close }, "✕")),
    span.failed ? make("p", { className: "complaint" }, marked(span.error, wanted)) : "",
    table([
      ["duration", took(span.duration)],
      ...(span.descendants ? [["of it itself", took(own)]] : []),
      ["starts", `+${took(span.start)}`],
      ["status", span.status],
      ["kind", span.kind],
    ]),
    ...(span.attributes.length ? section("Attributes", table(span.attributes)) : []),
    ...(events.length ? section("Events", make("ul", { className: "events" }, events)) : []),
    ...(span.links.length ? section("Links", ...span.links.map((link) =>
      table([["trace id", link.trace], ["span id", link.span], ...link.attributes]))) : []),
    make("details", {}, make("summary", {}, "Charm and ids"),
      table([["trace id", trace.id], ["span id", span.id], ...(span.parent ? [["parent span id", span.parent.id]] : []),
        ["scope", span.scope], ...span.resource])),
  ].filter(Boolean));
}

function valueOf(value, wanted) {
  if (typeof value === "string" && value.includes("\n")) return make("pre", {}, marked(value, wanted));
  if (typeof value === "object") return make("pre", {}, JSON.stringify(value, null, 1));
  return make("span", {}, marked(asText(value), wanted));
}
