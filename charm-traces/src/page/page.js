// The page: the list of traces, the one that is open, and the keyboard.

const $ = (id) => document.getElementById(id);

const page = JSON.parse($("data").textContent);
/** All traces, by their keys. Two dispatches with one parent have the same trace id. */
const all = new Map();
let order = { by: "time", down: true };

const list = new Rows($("trace-rows"), { role: "option", className: "trace-row", id: "trace", draw: drawTrace,
  chosen: open, opened: () => {} });
const waterfall = new Waterfall({
  chosen: (span) => { if (!$("details").hidden) details(span); remember(); },
  opened: (span, { again }) => again && !$("details").hidden ? closeDetails() : details(span),
});

function add(raw) {
  const batch = new Batch(raw);
  for (const trace of raw.traces) all.set(trace.key, new Trace(batch, trace));
}

/** The columns by which traces are ordered. */
const COLUMNS = {
  time: (trace) => trace.start, unit: (trace) => trace.unit, event: (trace) => trace.event,
  duration: (trace) => trace.duration, spans: (trace) => trace.size,
};

function refresh() {
  const wanted = $("trace-search").value.trim().toLowerCase();
  const column = COLUMNS[order.by], sign = order.down ? -1 : 1;
  const traces = Array.from(all.values())
    .filter((trace) => (!$("failed-only").checked || trace.failed) && (!wanted || trace.haystack.includes(wanted)))
    .sort((a, b) => sign * (column(a) < column(b) ? -1 : column(a) > column(b) ? 1 : 0) || b.start - a.start);
  const current = waterfall.trace && traces.find((trace) => trace.key === waterfall.trace.key);
  list.set(traces, current);
  $("no-traces").hidden = traces.length > 0;
  $("no-traces").textContent = all.size ? "No trace is like that." : page.live ? "Waiting for traces." : "There are no traces.";
  const values = Array.from(all.values());
  const failed = values.filter((trace) => trace.failed).length;
  const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  const shown = traces.length < values.length ? `${traces.length.toLocaleString("en")} of ` : "";
  $("summary").textContent = [page.title, shown + counted(values.length, "trace"), failed ? `${failed.toLocaleString("en")} failed` : "",
    counted(values.reduce((sum, trace) => sum + trace.size, 0), "span")].filter(Boolean).join(" · ");
  for (const head of $("heads").children) {
    const isOrder = head.dataset.order === order.by, sorted = order.down ? "descending" : "ascending";
    head.ariaLabel = isOrder ? `${head.textContent}, sorted ${sorted}` : null;
    if (isOrder) head.dataset.sorted = sorted;
    else delete head.dataset.sorted;
  }
  return traces;
}

function drawTrace(row, trace) {
  const date = new Date(trace.start);
  const cell = (className, text, title) => make("span", { className, title }, text);
  const isToday = day(date) === day(new Date());
  row.append(
    cell("time", isToday ? clock(date) : `${day(date).slice(5)} ${clock(date)}`, date.toISOString()),
    cell("unit", trace.unit || trace.service || "?", trace.unit),
    make("span", { title: trace.event }, trace.failed ? make("span", { className: "failed", title: `${trace.failed} failed` }, "✗ ") : "", trace.event,
      trace.state && trace.state !== "idle" ? make("span", { className: "state" }, trace.state) : ""),
    cell("number", took(trace.duration)), cell("number", trace.size.toLocaleString("en")));
}

function open(trace) {
  waterfall.show(trace);
  $("trace").hidden = !trace;
  if (!trace) return closeDetails();
  const date = new Date(trace.start);
  const fact = (text, value, className) => make("span", {}, make("b", { className }, value), text);
  $("trace-head").replaceChildren(
    make("h2", {}, trace.unit ? `${trace.unit}: ` : "", trace.event),
    make("p", {},
      make("span", { title: date.toISOString() }, `${day(date)} ${clock(date)}`), fact("", took(trace.duration)),
      fact(trace.size === 1 ? " span" : " spans", trace.size.toLocaleString("en")),
      trace.failed ? make("span", { className: "bad" }, `${trace.failed.toLocaleString("en")} failed`) : "",
      trace.state ? make("span", {}, { interrupted: "interrupted: the dispatch was killed", idle: "idle: nothing but the handler ran" }[trace.state] ?? trace.state) : "",
      make("span", { className: "id", title: "Trace id" }, trace.id),
      trace.source && !trace.source.includes(trace.id) ? make("span", { className: "id" }, trace.source) : ""));
  $("next-failed").hidden = !trace.failed;
  showMatches();
  closeDetails();
  remember();
}

function details(span = waterfall.current) {
  if (!span) return;
  $("details").hidden = false;
  showDetails($("details"), waterfall.trace, span, waterfall.wanted, closeDetails);
}

function closeDetails() {
  if ($("details").contains(document.activeElement)) waterfall.rows.element.focus();
  $("details").hidden = true;
}

function showMatches() {
  const found = waterfall.found;
  $("matches").textContent = found ? `${found.size.toLocaleString("en")} found` : "";
}

/** Keeps the open trace in the address, so that a reload or a link finds it. Browsers limit how often it may change. */
function remember() {
  clearTimeout(remember.soon);
  remember.soon = setTimeout(() => {
    const span = waterfall.current;
    try {
      history.replaceState(null, "", `#${waterfall.trace?.key ?? ""}${span ? `/${span.id}` : ""}`);
    } catch {
      // An embedded page has no address of its own.
    }
  }, 300);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
const toggleTheme = () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");

$("theme").addEventListener("click", toggleTheme);
$("help-button").addEventListener("click", () => $("help").showModal());
$("trace-search").addEventListener("input", refresh);
$("failed-only").addEventListener("change", refresh);
$("span-search").addEventListener("input", () => {
  waterfall.search($("span-search").value);
  showMatches();
});
$("heads").addEventListener("click", ({ target }) => {
  const by = target.dataset.order;
  if (!by) return;
  order = { by, down: by === order.by ? !order.down : by !== "unit" && by !== "event" };
  refresh();
});
$("expand").addEventListener("click", () => waterfall.toggleAll(false));
$("collapse").addEventListener("click", () => waterfall.toggleAll(true));
$("unzoom").addEventListener("click", () => waterfall.zoomTo(null));
$("next-failed").addEventListener("click", nextFailed);

function nextFailed() {
  if (waterfall.next((span) => span.failed)) details();
}

/** Does what Escape means where the focus is: one step back each time. */
function stepBack() {
  const inList = $("traces").contains(document.activeElement);
  const search = inList ? $("trace-search") : $("span-search");
  if (search.value || search === document.activeElement) {
    search.value = "";
    search.dispatchEvent(new Event("input"));
    (inList ? list : waterfall.rows).element.focus();
  } else if (!$("details").hidden) closeDetails();
  else if (waterfall.zoom) waterfall.zoomTo(null);
  else list.element.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const { key, target } = event;
  const typing = target.matches("input[type=search]");
  const isButton = target.matches("button, summary, input[type=checkbox]");
  const inList = $("traces").contains(target) || !waterfall.trace;
  const rows = inList ? list : waterfall.rows;
  const handled = () => {
    if (key === "Escape") return stepBack() ?? true;
    if (typing) {
      if (key === "Enter" && !inList && waterfall.found) return waterfall.next((span) => waterfall.found.has(span)) ?? true;
      if (key !== "Enter" && key !== "ArrowDown") return false;
      rows.element.focus();
      if (rows.at < 0) rows.select(0);
      return true;
    }
    switch (key) {
      case "/": return (inList ? $("trace-search") : $("span-search")).select() ?? true;
      case "?": return $("help").showModal() ?? true;
      case "t": return toggleTheme() ?? true;
      case "e": return nextFailed() ?? true;
      case "z": return waterfall.zoomTo(waterfall.current) ?? true;
      case "*": return waterfall.toggleAll(false) ?? true;
      case "-": return waterfall.toggleAll(true) ?? true;
      case "Enter":
        if (isButton || $("details").contains(target)) return false;
        if (inList) {
          waterfall.rows.element.focus();
          if (waterfall.rows.at < 0) waterfall.rows.select(0);
        } else if ($("details").hidden) details();
        else closeDetails();
        return true;
      default:
        if ($("details").contains(target)) return false;
        if (inList) return list.moved(key);
        return waterfall.key(key);
    }
  };
  if (handled()) {
    event.preventDefault();
    if (!typing && key.startsWith("Arrow") && isButton) rows.element.focus();
  }
});

/** Asks the collector for the traces that came since, as long as the page is open. */
async function follow(since) {
  for (;;) {
    try {
      const answer = await fetch(`traces.json?since=${since}`, { cache: "no-store" });
      const raw = await answer.json();
      $("summary").classList.remove("lost");
      if (raw.next !== since) {
        since = raw.next;
        add(raw);
        for (const key of raw.gone) all.delete(key);
        const traces = refresh();
        const current = waterfall.trace && all.get(waterfall.trace.key);
        if (current && current !== waterfall.trace) waterfall.show(current);
        else if (!waterfall.trace && traces.length) list.select(0);
      }
    } catch {
      $("summary").classList.add("lost");
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

setTheme(dark.matches ? "dark" : "light");
add(page);
const traces = refresh();
const [wantedTrace, wantedSpan] = location.hash.slice(1).split("/");
const first = traces.findIndex((trace) => trace.key === wantedTrace);
$("trace").hidden = true;
if (traces.length) list.select(Math.max(first, 0));
if (first >= 0) {
  const span = waterfall.trace.spans.find(({ id }) => id === wantedSpan);
  if (span) waterfall.select(span);
  if (span) details(span);
}
list.element.focus();
if (page.live) {
  $("summary").classList.add("live");
  follow(page.next);
}
