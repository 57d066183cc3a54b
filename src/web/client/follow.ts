// Follows one run to its end, over as many connections as it takes: a dropped one is taken up after the last event that was
// seen, so that what `onEvent` is given is the run's stream as the server keeps it.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { type Api, ApiError } from "./api.ts";
import { FrameReader } from "./sse.ts";

export interface Followed {
  thread: string;
  run: string;
  /** What starts the run; null where it has been started before. */
  begin:
    | { kind: "message"; id: string; text: string }
    | { kind: "answers"; interrupted: string; answers: InterruptAnswer[] }
    | null;
}

export interface Follower {
  onEvent(event: ThreadEvent): void;
  /** Told when the connection is lost, and when it is back. */
  onConnection?(connected: boolean): void;
}

export interface FollowOptions {
  signal: AbortSignal;
  /** After so long without a connection the last failure is thrown. */
  patienceMs: number;
  /** The first wait; doubled up to 16 times. */
  retryMs?: number;
}

/** What no other connection would put right. */
class BrokenStream extends Error {}

/** The server pings every 10 s: a connection that is silent for three of them is dead. */
const silenceMs = 35_000;

/** Resolves after the terminal event; throws what can't be overcome, and when `signal` is aborted. */
export async function followRun(
  api: Api,
  followed: Followed,
  follower: Follower,
  options: FollowOptions,
): Promise<void> {
  const { signal, patienceMs, retryMs = 500 } = options;
  const position: Position = { lastEventId: null, begun: followed.begin === null, ended: false };
  let failures = 0;
  let heardAt = Date.now();
  for (;;) {
    let failure: unknown = new Error("the connection was closed");
    try {
      const hear = (): void => {
        heardAt = Date.now();
        if (failures > 0) follower.onConnection?.(true);
        failures = 0;
      };
      await readConnection(api, followed, follower, position, { signal, hear });
    } catch (error) {
      failure = error;
    }
    if (position.ended) return;
    signal.throwIfAborted();
    if (failure instanceof BrokenStream || (failure instanceof ApiError && !failure.isPassing)) throw failure;
    if (Date.now() - heardAt > patienceMs) throw failure;
    if (failures === 0) follower.onConnection?.(false);
    await pause(retryMs * Math.min(16, 2 ** failures), signal);
    failures += 1;
  }
}

interface Position {
  lastEventId: string | null;
  begun: boolean;
  ended: boolean;
}

async function readConnection(
  api: Api,
  followed: Followed,
  follower: Follower,
  position: Position,
  { signal, hear }: { signal: AbortSignal; hear: () => void },
): Promise<void> {
  const silence = new AbortController();
  const watched = AbortSignal.any([signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(new Error("the server was silent")), silenceMs);
  try {
    const response = await connect(api, followed, position, watched);
    position.begun = true;
    const reader = response.body?.getReader();
    const frames = new FrameReader();
    for (;;) {
      const chunk = await reader?.read();
      if (!chunk || chunk.done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new Error("the server was silent")), silenceMs);
      hear();
      takeFrames(frames, chunk.value, follower, position);
      if (!position.ended) continue;
      await reader?.cancel().catch(() => {});
      return;
    }
  } finally {
    clearTimeout(timer);
  }
}

function takeFrames(reader: FrameReader, bytes: Uint8Array, follower: Follower, position: Position): void {
  try {
    for (const frame of reader.read(bytes).frames) {
      const event = JSON.parse(frame.data) as ThreadEvent;
      follower.onEvent(event);
      if (frame.id !== null) position.lastEventId = frame.id;
      if (event.type === "RUN_FINISHED" || event.type === "RUN_ERROR") position.ended = true;
    }
  } catch (error) {
    throw new BrokenStream(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function connect(
  api: Api,
  { thread, run, begin }: Followed,
  position: Position,
  signal: AbortSignal,
): Promise<Response> {
  if (position.begun || begin === null) return api.watchRun(thread, run, position.lastEventId, signal);
  if (begin.kind === "message") return api.startRun(thread, run, begin, signal);
  return api.resumeRun(thread, run, begin.interrupted, begin.answers, signal);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
