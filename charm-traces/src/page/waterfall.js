// The spans of one trace over time.

class Waterfall {
  constructor({ chosen, opened }) {
    this.collapsed = new Set();
    this.wanted = "";
    this.rows = new Rows($("span-rows"), { role: "treeitem", className: "span-row", id: "span", chosen,
      draw: (row, span) => this.#draw(row, span),
      opened: (span, how) => how.toggle ? this.toggle(span) : opened(span, how) });
    // The columns of the head and of the rows are alike, also beside a scrollbar.
    new ResizeObserver(() => this.#drawAxis()).observe($("ticks"));
  }

  get current() { return this.rows.current; }

  show(trace) {
    const same = this.trace?.key === trace?.key;
    const kept = same ? this.current?.id : undefined;
    const collapsed = same ? new Set(Array.from(this.collapsed, (span) => span.id)) : new Set();
    this.trace = trace;
    this.collapsed = new Set(collapsed.size ? trace.spans.filter((span) => collapsed.has(span.id)) : []);
    if (!same) this.zoom = null;
    this.update(trace && (trace.spans.find((span) => span.id === kept) ?? null));
    if (!same) this.rows.element.scrollTop = 0;
  }

  /** Chooses the rows: those without a collapsed ancestor, and of a search those that are found, with their ancestors. */
  update(selected = this.current) {
    const spans = this.trace?.spans ?? [];
    this.found = this.wanted ? new Set(spans.filter((span) => span.haystack.includes(this.wanted))) : null;
    let visible;
    if (this.found) {
      const shown = new Set();
      for (const found of this.found) {
        for (let span = found; span && !shown.has(span); span = span.parent) shown.add(span);
      }
      visible = spans.filter((span) => shown.has(span));
    } else {
      visible = [];
      for (let at = 0; at < spans.length; at += 1) {
        visible.push(spans[at]);
        if (this.collapsed.has(spans[at])) at += spans[at].descendants;
      }
    }
    while (selected && !visible.includes(selected)) selected = selected.parent;
    this.rows.set(visible, selected ?? undefined);
    this.#drawAxis();
  }

  search(wanted) {
    this.wanted = wanted.trim().toLowerCase();
    this.update();
    if (this.found?.size && !this.found.has(this.current)) this.next((span) => this.found.has(span), { from: -1 });
  }

  toggle(span, collapse = !this.collapsed.has(span)) {
    if (!span?.descendants || this.found) return;
    if (collapse) this.collapsed.add(span);
    else this.collapsed.delete(span);
    this.update();
  }

  toggleAll(collapse) {
    const parents = (this.trace?.spans ?? []).filter((span) => span.descendants && span.depth > 0);
    this.collapsed = new Set(collapse ? parents : []);
    this.update();
    if (this.rows.at >= 0) this.rows.reveal();
  }

  /** Selects the next span of its kind, from the top again after the last one. */
  next(isWanted, { from = this.current?.index ?? -1 } = {}) {
    const spans = this.trace?.spans ?? [];
    const ahead = [...spans.slice(from + 1), ...spans.slice(0, from + 1)];
    const span = ahead.find(isWanted);
    if (span) this.select(span);
    return span;
  }

  select(span) {
    for (let above = span.parent; above; above = above.parent) this.collapsed.delete(above);
    this.update();
    this.rows.select(this.rows.items.indexOf(span));
  }

  zoomTo(span) {
    const zoom = span && (this.zoom === span ? null : span);
    this.zoom = zoom ?? null;
    this.rows.paint();
    this.#drawAxis();
  }

  key(key) {
    const span = this.current;
    if (key === "ArrowRight" && span) {
      if (this.collapsed.has(span)) this.toggle(span, false);
      else if (span.descendants) this.rows.moved("ArrowDown");
    } else if (key === "ArrowLeft" && span) {
      if (span.descendants && !this.collapsed.has(span) && !this.found) this.toggle(span, true);
      else if (span.parent) this.rows.select(this.rows.items.indexOf(span.parent));
    } else return this.rows.moved(key);
    return true;
  }

  /** The time in sight: start and length in nanoseconds since the start of the trace. */
  get #window() {
    const { start, duration } = this.zoom ?? { start: 0, duration: this.trace?.duration ?? 0 };
    return { start, length: Math.max(duration, 1) };
  }

  #draw(row, span) {
    const { start, length } = this.#window;
    const isOpen = !this.collapsed.has(span);
    row.setAttribute("aria-level", span.depth + 1);
    if (span.descendants) row.setAttribute("aria-expanded", isOpen);
    row.classList.toggle("apart", this.found !== null && !this.found.has(span));

    // Half of a column would be these words otherwise; the colour says that it is a call, and the details have the whole name.
    const text = span.name.replace(/^(method|function) call: /, "");
    const indent = make("span", { className: "indent" });
    // A very deep trace keeps its names in sight.
    indent.style.width = `${Math.min(span.depth, 24) * 14}px`;
    const name = make("div", { className: "name", title: span.name }, indent,
      make("span", { className: "toggle", "aria-hidden": true }, span.descendants ? (isOpen ? "▼" : "▶") : ""),
      make("span", { className: "text" }, marked(text, this.wanted)),
      span.descendants && !isOpen ? make("span", { className: "count" }, String(span.descendants)) : "",
      span.failed ? make("span", { className: "complaint" }, "✗ ", span.error.split("\n", 1)[0]) : "",
      span.isOrphan ? make("span", { className: "complaint" }, "its parent is missing") : "");

    const percent = (nanos) => (nanos - start) / length * 100;
    const lane = make("div", { className: "lane" });
    const from = Math.max(0, percent(span.start)), to = Math.min(100, percent(span.end));
    if (from <= 100 && to >= 0) {
      const bar = make("div", { className: `bar ${span.className}${span.failed ? " error" : ""}` });
      bar.style.left = `min(${from}%, 100% - 2px)`;
      bar.style.width = `${Math.max(0, to - from)}%`;
      const took_ = make("span", { className: "took" }, took(span.duration));
      if (to > 60 && from > 25 && to - from < 30) took_.style.right = `${100 - from}%`;
      else took_.style.left = `${to}%`;
      lane.append(bar, ...this.#ticks(span, percent), took_);
    }
    row.append(name, lane);
  }

  #ticks(span, percent) {
    return (span.raw[EVENTS] ?? []).slice(0, 50).map(([number, at]) => [this.trace.batch.table[number], percent(span.start + at)])
      .filter(([, left]) => left >= 0 && left <= 100)
      .map(([name, left]) => {
        const tick = make("div", { className: `tick${name === "exception" ? " bad" : ""}`, title: name });
        tick.style.left = `${left}%`;
        return tick;
      });
  }

  #drawAxis() {
    const { start, length } = this.#window;
    const wanted = Math.max(2, Math.floor($("ticks").clientWidth / 110));
    const size = 10 ** Math.floor(Math.log10(length / wanted));
    const step = [1, 2, 5, 10].map((factor) => factor * size).find((step) => length / step <= wanted) ?? length;
    const ticks = [];
    for (let at = Math.ceil(start / step) * step; at <= start + length && this.trace; at += step) {
      const tick = make("span", {}, axisTime(at, step));
      tick.style.left = `${(at - start) / length * 100}%`;
      ticks.push(tick);
    }
    $("ticks").replaceChildren(...ticks);
    $("unzoom").hidden = !this.zoom;
  }
}

function axisTime(nanos, step) {
  if (nanos === 0) return "0";
  const [unit, size] = nanos < 1e6 ? ["µs", 1e3] : nanos < 1e9 ? ["ms", 1e6] : ["s", 1e9];
  const digits = Math.min(3, Math.max(0, Math.ceil(-Math.log10(step / size))));
  return `${(nanos / size).toFixed(digits)} ${unit}`;
}
