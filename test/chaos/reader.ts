// A client that watches a thread across broken connections: it comes back with its last event id, and stores what a
// client would store. It knows nothing of kills except that its connection is gone.
import { setTimeout as wait } from "node:timers/promises";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { StreamFrame } from "../e2e/harness.ts";
import { isResync, openReader, readAsClient, type StreamReader } from "../e2e/stream-reader.ts";

const AGAIN_MS = 10;

/** Where a thread is watched. */
export interface Place {
  url: string;
  key: string;
  /** Resolves while the server may be requested. */
  up: Promise<void>;
}

export interface WatchOptions {
  signal: AbortSignal;
  /** The event id from which to start; from the beginning where it is null. */
  after?: number | null;
  /** Called for each connection: after how many events the client leaves by itself. */
  leaveAfter?: () => number;
}

export interface Watcher {
  /** Every event that still counts, in order. */
  frames: StreamFrame[];
  connections: number;
  resyncs: number;
  /** Resolves when the run's end has arrived. */
  ended: Promise<void>;
  /**
   * Resolves with the time of the first event of a later life: one whose number is above `newest`, or the run's end.
   * Called while the server is down.
   */
  expectNewEvent(newest: number): Promise<number>;
}

interface Expected {
  newest: number;
  resolve: (at: number) => void;
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
    expectNewEvent: (newest) =>
      new Promise((resolve) => {
        expected = { newest, resolve };
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

async function follow(watcher: Watcher, reader: StreamReader, max: number, expected: Expected | null): Promise<void> {
  watcher.connections += 1;
  if (expected !== null) {
    const found = reader.until((frame) => isNew(frame, reader.frames, expected.newest));
    found.then(
      () => expected.resolve(performance.now()),
      () => {},
    );
  }
  const over = reader.until((frame) => isEnd(frame) || isIdle(reader.frames) || reader.frames.length >= max);
  await Promise.race([over.catch(() => undefined), reader.ended]);
  reader.leave();
  watcher.frames = merge(watcher, reader.frames);
}

/** A resync replaces what was known. One that was cut before its number arrived is ignored. */
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

/** The resync of a thread on which nothing runs: two snapshots. */
function isIdle([first, second]: StreamFrame[]): boolean {
  return first?.event.type === "MESSAGES_SNAPSHOT" && second?.event.type === "STATE_SNAPSHOT" && second.id !== null;
}

/** A resync has one number, at its end; new events follow it. */
function isNew(frame: StreamFrame, frames: StreamFrame[], newest: number): boolean {
  if (isEnd(frame) || isIdle(frames)) return true;
  const from = isResync(frames) ? frames.findIndex(({ id }) => id !== null) : -1;
  return (frame.id ?? 0) > newest && frames.indexOf(frame) > from;
}

/**
 * The conversation that AG-UI's own client builds from the events. It needs a run around the snapshots of an idle
 * thread.
 */
export function replayFrames({ frames }: Watcher, thread: string): Promise<{ messages: unknown[]; state: unknown }> {
  const events = frames.map(({ event }) => event);
  if (!isIdle(frames)) return readAsClient(events);
  const ids = { threadId: thread, runId: "run-around-snapshots" };
  const start: ThreadEvent = { type: "RUN_STARTED", ...ids };
  return readAsClient([start, ...events, { type: "RUN_FINISHED", ...ids, outcome: { type: "success" } }]);
}
