// The open streams of all objects of this isolate. A Worker that passes one on unread counts it until it is over, and
// learns that here: to ask the object costs a request, a tenth of a short turn's CPU. Where the object is elsewhere it
// asks.
//
// A life that ends itself says so first. One that the platform ends says nothing, and no timer of a request outlives the
// request. So each life with readers leaves the time here whenever it pings them, and who is short of room ends the
// streams of those that have been silent for longer than three pings.
import { putNewest } from "../../lib/memory/newest.ts";
import type { ThreadKey } from "../../protocol/thread.ts";

/** Far more than an isolate has memory for. A stream of a thread that is forgotten is taken for over. */
const MAX_THREADS = 20_000;

/** Names of this isolate begin with it. Made with the first stream: the platform has no randomness before a request. */
let isolate: string | null = null;
let named = 0;

/** A ping comes every ten seconds. A life that is only slow loses nothing: its streams are counted no longer. */
const SILENT_MS = 30_000;

/** A flood of refusals looks once for all. */
const LOOK_MS = 1_000;

interface Streams {
  /** By name, what to call when a stream is over. Null until somebody waits for that. */
  calls: Map<string, (() => void) | null>;
  /** When their life last said that it is there. */
  seen: number;
}

const open = new Map<string, Streams>();
let looked = 0;

/** Names a stream that is opened. `end` says that it is over. */
export function openHere(key: ThreadKey, now: number): { name: string; end: () => void } {
  isolate ??= `${crypto.randomUUID()}-`;
  named += 1;
  const name = `${isolate}${named}`;
  const streams: Streams = open.get(nameOf(key)) ?? { calls: new Map(), seen: now };
  streams.calls.set(name, null);
  streams.seen = now;
  putNewest(open, nameOf(key), streams, MAX_THREADS);
  const end = (): void => {
    streams.calls.get(name)?.();
    streams.calls.delete(name);
    if (streams.calls.size === 0 && open.get(nameOf(key)) === streams) open.delete(nameOf(key));
  };
  return { name, end };
}

/** Calls `call` once the stream is over. False, and no call, if its object is not in this isolate. */
export function watchHere(key: ThreadKey, name: string, call: () => void): boolean {
  if (isolate === null || !name.startsWith(isolate)) return false;
  const streams = open.get(nameOf(key));
  if (streams?.calls.has(name)) streams.calls.set(name, call);
  else call();
  return true;
}

/** The thread's life is there. */
export function noteAlive(key: ThreadKey, now: number): void {
  const streams = open.get(nameOf(key));
  if (streams !== undefined) streams.seen = now;
}

/** A life begins, or ends itself: the thread's streams up to now are over. */
export function endFormerStreams(key: ThreadKey): void {
  endAll(nameOf(key));
}

/** Ends the streams of lives that are silent. Returns whether there were any. */
export function endSilentStreams(now: number): boolean {
  if (Math.abs(now - looked) < LOOK_MS) return false;
  looked = now;
  const silent = [...open].filter(([, { seen }]) => now - seen > SILENT_MS);
  for (const [name] of silent) endAll(name);
  return silent.length > 0;
}

function endAll(name: string): void {
  const streams = open.get(name);
  if (streams === undefined) return;
  open.delete(name);
  for (const call of streams.calls.values()) call?.();
  streams.calls.clear();
}

function nameOf({ user_id, thread_id }: ThreadKey): string {
  return `${user_id}/${thread_id}`;
}
