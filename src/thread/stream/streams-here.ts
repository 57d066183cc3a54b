// The open streams of all objects of this isolate. A Worker that passes one on unread counts it until it is over, and
// learns that here: to ask the object costs a request, a tenth of a short turn's CPU. Where the object is elsewhere it
// asks.
import { putNewest } from "../../lib/memory/newest.ts";
import type { ThreadKey } from "../../protocol/thread.ts";

/** Far more than an isolate has memory for. A stream of a thread that is forgotten is taken for over. */
const MAX_THREADS = 20_000;

/** Names of this isolate begin with it. Made with the first stream: the platform has no randomness before a request. */
let isolate: string | null = null;
let named = 0;

/** By thread and name, what to call when a stream is over. Null until somebody waits for that. */
const open = new Map<string, Map<string, (() => void) | null>>();

/** Names a stream that is opened. `end` says that it is over. */
export function openHere(key: ThreadKey): { name: string; end: () => void } {
  isolate ??= `${crypto.randomUUID()}-`;
  named += 1;
  const name = `${isolate}${named}`;
  const streams = (open.get(nameOf(key)) ?? new Map<string, null>()).set(name, null);
  putNewest(open, nameOf(key), streams, MAX_THREADS);
  const end = (): void => {
    streams.get(name)?.();
    streams.delete(name);
    if (streams.size === 0 && open.get(nameOf(key)) === streams) open.delete(nameOf(key));
  };
  return { name, end };
}

/** Calls `call` once the stream is over. False, and no call, if its object is not in this isolate. */
export function watchHere(key: ThreadKey, name: string, call: () => void): boolean {
  if (isolate === null || !name.startsWith(isolate)) return false;
  const streams = open.get(nameOf(key));
  if (streams?.has(name)) streams.set(name, call);
  else call();
  return true;
}

/** A life begins: the streams of former ones are over, and an object that was ended did not say so. */
export function endFormerStreams(key: ThreadKey): void {
  const streams = open.get(nameOf(key));
  if (streams === undefined) return;
  open.delete(nameOf(key));
  for (const call of streams.values()) call?.();
  streams.clear();
}

function nameOf({ user_id, thread_id }: ThreadKey): string {
  return `${user_id}/${thread_id}`;
}
