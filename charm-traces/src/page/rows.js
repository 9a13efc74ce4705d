// Rows of which only those in sight are elements, so that ten thousand of them scroll without a lag.

class Rows {
  /** `draw` makes the content of a row; `chosen` is called with a row when it is selected, `opened` when it is clicked. */
  constructor(element, { role, className, id, draw, chosen, opened }) {
    Object.assign(this, { element, role, className, id, draw, chosen, opened });
    this.space = element.firstElementChild;
    this.items = [];
    this.at = -1;
    this.height = parseInt(getComputedStyle(document.documentElement).getPropertyValue("--row"), 10);
    element.addEventListener("scroll", () => this.#later());
    new ResizeObserver(() => this.#later()).observe(element);
    element.addEventListener("mousedown", (event) => this.#pressed(event));
  }

  get current() { return this.items[this.at]; }

  /** Replaces the rows. The row that was selected stays so, if it is still there. */
  set(items, selected = this.current) {
    this.items = items;
    this.at = selected === undefined ? -1 : items.indexOf(selected);
    this.space.style.height = `${items.length * this.height}px`;
    this.paint();
  }

  select(at, { quiet = false } = {}) {
    if (!this.items.length) return;
    this.at = Math.max(0, Math.min(at, this.items.length - 1));
    this.reveal();
    this.paint();
    if (!quiet) this.chosen?.(this.current);
  }

  reveal() {
    const top = this.at * this.height, { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.element.scrollTop = top + this.height - clientHeight;
  }

  /** Handles a key that moves the selection; false for other keys. */
  moved(key) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.height) - 1);
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + page, PageUp: this.at - page,
      Home: 0, End: this.items.length - 1 }[key];
    if (to === undefined) return false;
    this.select(to);
    return true;
  }

  paint() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - 8);
    const last = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / this.height) + 8);
    const rows = [this.space];
    for (let at = first; at < last; at += 1) rows.push(this.#row(at));
    this.element.replaceChildren(...rows);
    if (this.at >= first && this.at < last) this.element.setAttribute("aria-activedescendant", `${this.id}-${this.at}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  #row(at) {
    const row = make("div", { className: this.className, role: this.role, id: `${this.id}-${at}`, "aria-selected": at === this.at,
      "aria-posinset": at + 1, "aria-setsize": this.items.length });
    row.style.top = `${at * this.height}px`;
    row.dataset.at = at;
    this.draw(row, this.items[at]);
    return row;
  }

  #pressed(event) {
    const row = event.target.closest("[data-at]");
    if (!row || event.button !== 0) return;
    const item = this.items[row.dataset.at], again = this.at === Number(row.dataset.at);
    if (event.target.closest(".toggle")?.textContent) {
      event.preventDefault();
      this.element.focus();
      this.opened(item, { toggle: true });
      return;
    }
    this.select(Number(row.dataset.at));
    this.opened(item, { again });
  }

  #later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.paint();
    });
  }
}

/** An element with these properties, attributes and children. */
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false && !key.startsWith("aria-")) continue;
    if (key in element && !key.startsWith("aria-") && key !== "role") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** The text, with what was searched for marked. */
function marked(text, wanted) {
  const lower = text.toLowerCase(), parts = [];
  // Where lower case has another length, positions would not fit.
  if (!wanted || lower.length !== text.length) return [text];
  let at = 0;
  for (let found = lower.indexOf(wanted); found >= 0; found = lower.indexOf(wanted, at)) {
    parts.push(text.slice(at, found), make("mark", {}, text.slice(found, found + wanted.length)));
    at = found + wanted.length;
  }
  return [...parts, text.slice(at)];
}
