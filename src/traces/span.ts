// A span, as the tracing knows it, and the ids of a run's trace. The ids are derived from the run: a life that
// continues it after a crash continues with the same trace, and nothing has to be stored for that.
export type Attributes = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface Span {
  trace_id: string;
  span_id: string;
  parent_id: string | null;
  /** Whether the parent is in another process. */
  is_parent_remote?: boolean;
  name: string;
  kind: "internal" | "client";
  /** Milliseconds since the epoch. */
  start: number;
  end: number;
  attributes: Attributes;
  /** What went wrong, as `error.type`; null if nothing did. */
  error: string | null;
}

/** The span of another process in which a client started a run. */
export interface TraceParent {
  trace_id: string;
  span_id: string;
  is_sampled: boolean;
}

/** The longest that later versions of the header may have: what follows is not read. */
const MAX_CHARACTERS = 512;
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const zeros = /^0+$/;

/** W3C's `traceparent`. Null if it is none: then the run begins a trace of its own, as the standard asks for. */
export function readTraceParent(given: string | undefined): TraceParent | null {
  if (given === undefined || given.length > MAX_CHARACTERS) return null;
  const [, version = "ff", trace_id = "", span_id = "", flags = "", more] = form.exec(given) ?? [];
  if (version === "ff" || (version === "00" && more !== undefined)) return null;
  if (zeros.test(trace_id) || zeros.test(span_id)) return null;
  return { trace_id, span_id, is_sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** What a request for a run says of its parent, as it is stored with the run. Nothing while traces are off. */
export function keepTraceParent(settings: object | null, given: string | undefined): { traceparent?: string } {
  return settings === null || given === undefined || readTraceParent(given) === null ? {} : { traceparent: given };
}

export interface RunIds {
  trace_id: string;
  /** Of the run's own span. */
  root_id: string;
}

export function deriveIds(run: { user_id: string; thread_id: string; invocation_id: string }): RunIds {
  const text = JSON.stringify([run.user_id, run.thread_id, run.invocation_id]);
  const words = [1, 2, 3, 4, 5, 6].map((seed) => hash(text, seed).toString(16).padStart(8, "0"));
  return { trace_id: words.slice(0, 4).join(""), root_id: words.slice(4).join("") };
}

/**
 * 32 bits with MurmurHash3's mixing. Ids have to be spread and not secret, and SHA-256 is only to be had as a promise,
 * which a run's start must not wait for.
 */
function hash(text: string, seed: number): number {
  let state = Math.imul(seed, 0x9e3779b1);
  for (let at = 0; at < text.length; at++) {
    const mixed = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    state ^= Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    state = Math.imul((state << 13) | (state >>> 19), 5) + 0xe6546b64;
  }
  state ^= text.length;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

export function newSpanId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The last 56 bits decide, as OpenTelemetry's samplers agree: whoever samples with the same share takes the same. */
export function isSampled(trace_id: string, ratio: number): boolean {
  return Number.parseInt(trace_id.slice(-14), 16) / 2 ** 56 >= 1 - ratio;
}
