// A client that watches a thread through whatever happens to its connections: it comes back with the last id it has, and
// keeps what a client would keep. It knows nothing of kills but that its connection is gone.
import { setTimeout as wait } from "node:timers/promises";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { StreamFrame } from "../e2e/harness.ts";
import { isResync, openReader, retell, type StreamReader } from "../e2e/stream-reader.ts";

const AGAIN_MS = 10;

/** Where a thread is watched. */
export interface Place {
  url: string;
  key: string;
  /** Resolves while it is worth asking. */
  up: Promise<void>;
}

export interface WatchOptions {
  signal: AbortSignal;
  /** The last id from which it goes on; the beginning where it is null. */
  after?: number | null;
  /** After how many events of a connection it leaves by itself, asked for each. */
  leaveAfter?: () => number;
}

export interface Watcher {
  /** Every event that still counts, in order. */
  frames: StreamFrame[];
  connections: number;
  resyncs: number;
  /** Resolves when the run's end was told. */
  ended: Promise<void>;
  /**
   * Resolves with the time of the first event of a later life: one whose number is above `newest`, or the run's end. Asked
   * while the server is down.
   */
  expectNews(newest: number): Promise<number>;
}

interface Expected {
  newest: number;
  tell: (at: number) => void;
}

/** Watches until a run of the thread has ended. */
export function watchThread(place: Place, thread: string, options: WatchOptions): Watcher {
  const { signal, after: first = null, leaveAfter = () => Number.POSITIVE_INFINITY } = options;
  let expected: Expected | null = null;
  const watcher: Watcher = {
    frames: [],
    connections: 0,
    resyncs: 0,
    ended: Promise.resolve(),
    expectNews: (newest) =>
      new Promise((tell) => {
        expected = { newest, tell };
      }),
  };
  watcher.ended = (async () => {
    while (!isOver(watcher.frames)) {
      await place.up;
      signal.throwIfAborted();
      const after = watcher.frames.findLast(({ id }) => id !== null)?.id ?? first;
      const reader = await openReader(place, `/v1/threads/${thread}/events`, { after }).catch(() => null);
      if (reader === null) await wait(AGAIN_MS, undefined, { signal });
      else await follow(watcher, reader, leaveAfter(), expected);
    }
  })();
  watcher.ended.catch(() => {});
  return watcher;
}

async function follow(watcher: Watcher, reader: StreamReader, most: number, expected: Expected | null): Promise<void> {
  watcher.connections += 1;
  if (expected !== null) {
    const news = reader.until((frame) => isNews(frame, reader.frames, expected.newest));
    news.then(
      () => expected.tell(performance.now()),
      () => {},
    );
  }
  const over = reader.until((frame) => isEnd(frame) || isIdle(reader.frames) || reader.frames.length >= most);
  await Promise.race([over.catch(() => undefined), reader.ended]);
  reader.leave();
  watcher.frames = merge(watcher, reader.frames);
}

/** A resync replaces what was known; one that was cut before its number came counts for nothing. */
function merge(watcher: Watcher, rest: StreamFrame[]): StreamFrame[] {
  if (!isResync(rest)) return [...watcher.frames, ...rest];
  if (!rest.some(({ id }) => id !== null)) return watcher.frames;
  watcher.resyncs += 1;
  return [...rest];
}

function isOver(frames: StreamFrame[]): boolean {
  const last = frames.findLast(({ event }) => event.type.startsWith("RUN_"));
  return (last !== undefined && isEnd(last)) || isIdle(frames);
}

function isEnd({ event }: StreamFrame): boolean {
  return event.type === "RUN_FINISHED" || event.type === "RUN_ERROR";
}

/** The resync of a thread on which nothing runs any more: two snapshots. */
function isIdle([first, second]: StreamFrame[]): boolean {
  return first?.event.type === "MESSAGES_SNAPSHOT" && second?.event.type === "STATE_SNAPSHOT" && second.id !== null;
}

/** The one number of a resync stands at its end, and says where the news begin. */
function isNews(frame: StreamFrame, frames: StreamFrame[], newest: number): boolean {
  if (isEnd(frame) || isIdle(frames)) return true;
  const from = isResync(frames) ? frames.findIndex(({ id }) => id !== null) : -1;
  return (frame.id ?? 0) > newest && frames.indexOf(frame) > from;
}

/** What AG-UI's own client makes of what was heard; it wants a run around the snapshots of an idle thread. */
export function tellAll({ frames }: Watcher, thread: string): Promise<{ messages: unknown[]; state: unknown }> {
  const events = frames.map(({ event }) => event);
  if (!isIdle(frames)) return retell(events);
  const ids = { threadId: thread, runId: "run-around-snapshots" };
  const start: ThreadEvent = { type: "RUN_STARTED", ...ids };
  return retell([start, ...events, { type: "RUN_FINISHED", ...ids, outcome: { type: "success" } }]);
}
