// A client that watches a thread through all the lives of its server: it comes back with the last id it has, and keeps what a
// client would keep. It knows nothing of kills but that its connection is gone.
import { setTimeout as wait } from "node:timers/promises";
import type { StreamFrame } from "../e2e/harness.ts";
import { isResync, openReader, type StreamReader } from "../e2e/stream-reader.ts";
import type { Server } from "./server.ts";

const AGAIN_MS = 10;

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

export function watchThread(server: Server, thread: string, signal: AbortSignal): Watcher {
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
      await server.up;
      signal.throwIfAborted();
      const after = watcher.frames.findLast(({ id }) => id !== null)?.id ?? null;
      const reader = await openReader(server, `/v1/threads/${thread}/events`, { after }).catch(() => null);
      if (reader === null) await wait(AGAIN_MS, undefined, { signal });
      else await follow(watcher, reader, expected);
    }
  })();
  watcher.ended.catch(() => {});
  return watcher;
}

async function follow(watcher: Watcher, reader: StreamReader, expected: Expected | null): Promise<void> {
  watcher.connections += 1;
  if (expected !== null) {
    const news = reader.until((frame) => isNews(frame, reader.frames, expected.newest));
    news.then(
      () => expected.tell(performance.now()),
      () => {},
    );
  }
  const over = reader.until((frame) => isEnd(frame) || isIdle(reader.frames));
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
export function isIdle([first, second]: StreamFrame[]): boolean {
  return first?.event.type === "MESSAGES_SNAPSHOT" && second?.event.type === "STATE_SNAPSHOT" && second.id !== null;
}

/** The one number of a resync stands at its end, and says where the news begin. */
function isNews(frame: StreamFrame, frames: StreamFrame[], newest: number): boolean {
  if (isEnd(frame)) return true;
  const from = isResync(frames) ? frames.findIndex(({ id }) => id !== null) : -1;
  return (frame.id ?? 0) > newest && frames.indexOf(frame) > from;
}
