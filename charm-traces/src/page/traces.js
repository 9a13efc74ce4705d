"use strict";

// The traces, as `page.rs` writes them: values are numbers of a table, and a span is an array, to keep the page small.

const [NAME, DEPTH, START, DURATION, ID, SCOPE, KIND, STATUS, ATTRIBUTES, MESSAGE, EVENTS, LINKS, ORPHAN] = Array(13).keys();
const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const FAILED = 2;

/** What one answer of the program, or the page itself, holds. */
class Batch {
  constructor({ table, scopes, resources }) {
    Object.assign(this, { table, scopes, resources });
  }

  pairs(numbers = []) {
    const pairs = [];
    for (let at = 0; at < numbers.length; at += 2) pairs.push([this.table[numbers[at]], this.table[numbers[at + 1]]]);
    return pairs;
  }
}

/** A span, with its place in the tree. Spans are in the order of the tree, so a parent is before its children. */
class Span {
  constructor(batch, raw, index) {
    this.batch = batch;
    this.raw = raw;
    this.index = index;
    this.name = batch.table[raw[NAME]];
    this.depth = raw[DEPTH];
    this.start = raw[START];
    this.duration = raw[DURATION];
    this.end = this.start + this.duration;
    this.failed = raw[STATUS] === FAILED;
    this.parent = null;
    this.descendants = 0;
    this.inChildren = 0;
    this.coveredUntil = this.start;
  }

  /** Counts the time of a child once, also if it runs together with others. Children come in the order of their starts. */
  covers(child) {
    const end = Math.min(child.end, this.end);
    this.inChildren += Math.max(0, end - Math.max(child.start, this.coveredUntil));
    this.coveredUntil = Math.max(this.coveredUntil, end);
  }

  get attributes() { return this.batch.pairs(this.raw[ATTRIBUTES]); }
  get message() { return this.raw[MESSAGE] === undefined ? "" : this.batch.table[this.raw[MESSAGE]]; }
  get status() { return ["unset", "ok", "error"][this.raw[STATUS] ?? 0]; }
  get id() { return this.raw[ID]; }
  get kind() { return KINDS[this.raw[KIND] ?? 1] ?? "unspecified"; }
  get isOrphan() { return this.raw[ORPHAN] === 1; }
  get resource() { return this.batch.pairs(this.batch.resources[this.batch.scopes[this.raw[SCOPE]][0]]); }
  get scope() {
    const [, name, version] = this.batch.scopes[this.raw[SCOPE]].map((number, at) => at ? this.batch.table[number] : number);
    return [name, version].filter(Boolean).join(" ");
  }
  get events() {
    return (this.raw[EVENTS] ?? []).map(([name, at, attributes]) =>
      ({ name: this.batch.table[name], at, attributes: this.batch.pairs(attributes) }));
  }
  get links() {
    return (this.raw[LINKS] ?? []).map(([trace, span, attributes]) => ({ trace, span, attributes: this.batch.pairs(attributes) }));
  }
  /** The text of the error: the status', else that of the exception. */
  get error() {
    if (!this.failed) return "";
    const exception = this.message || this.events.find((event) => event.name === "exception");
    if (typeof exception === "string") return exception;
    return String(exception?.attributes.find(([key]) => key === "exception.message")?.[1] ?? "error");
  }
  get className() {
    if (this.depth === 0 && / event$/.test(this.name)) return "root";
    if (this.name.startsWith("event: ")) return "event";
    if (/^(method|function) call: /.test(this.name)) return "call";
    return this.attributes.some(([key]) => key.startsWith("juju.hook_tool")) ? "tool" : "other";
  }
  /** The text in which spans are found, in lower case. */
  get haystack() {
    return this.words ??= [this.name, this.id, this.message, ...this.attributes.flat(),
      ...this.events.flatMap((event) => [event.name, ...event.attributes.flat()])].map(asText).join("\n").toLowerCase();
  }
}

/** A trace. Its spans are made when it is opened. */
class Trace {
  constructor(batch, { spans, ...facts }) {
    Object.assign(this, facts);
    this.batch = batch;
    this.raw = spans;
  }

  get size() { return this.raw.length; }

  get spans() {
    if (this.made) return this.made;
    const path = [];
    this.made = this.raw.map((raw, index) => new Span(this.batch, raw, index));
    for (const span of this.made) {
      path.length = span.depth;
      span.parent = path[span.depth - 1] ?? null;
      path.push(span);
      span.parent?.covers(span);
    }
    for (const span of this.made.toReversed()) {
      if (span.parent) span.parent.descendants += span.descendants + 1;
    }
    return this.made;
  }

  /** The text in which traces are found, in lower case: also the names and errors of the spans. */
  get haystack() {
    if (this.words) return this.words;
    const { table } = this.batch;
    const numbers = new Set(this.raw.flatMap((span) => [span[NAME], span[MESSAGE]]));
    const names = Array.from(numbers, (number) => table[number] ?? "");
    return this.words = [this.id, this.unit, this.event, this.service, this.source, this.state, ...names].join("\n").toLowerCase();
  }
}

const asText = (value) => typeof value === "string" ? value : JSON.stringify(value) ?? "";

/** A duration in nanoseconds, with three digits. */
function took(nanos) {
  const [value, unit] = nanos < 999.5e3 ? [nanos / 1e3, "µs"] : nanos < 999.5e6 ? [nanos / 1e6, "ms"]
    : nanos < 599.5e9 ? [nanos / 1e9, "s"] : [nanos / 60e9, "min"];
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

const two = (number) => String(number).padStart(2, "0");
const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
const day = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
