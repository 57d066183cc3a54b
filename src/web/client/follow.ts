// Follows one run to its end over as many connections as it takes. A dropped connection is resumed after the last event
// seen, so `onEvent` receives the run's stream exactly as the server has it.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { Caps } from "../../protocol/money/caps.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { type Api, ApiError, waitFor } from "./api.ts";
import { FrameReader } from "./sse.ts";

export interface Followed {
  thread: string;
  run: string;
  /** What starts the run; null where it has started before. */
  begin:
    | { kind: "message"; id: string; text: string; model?: string; caps?: Caps }
    /** The turn of a message again, or another message in its place. */
    | { kind: "again"; message: string; edited: { id: string; text: string } | null }
    | { kind: "answers"; interrupted: string; answers: InterruptAnswer[] }
    | null;
}

export interface Follower {
  /** `id` is the event's number; null where its frame has none. */
  onEvent(event: ThreadEvent, id: string | null): void;
  /** Called when the connection is lost, and when it is back. */
  onConnection?(connected: boolean): void;
  /** Called when the server asks to wait, which is done. */
  onWait?(error: ApiError): void;
}

/** Another way to make the first connection: starts the run and returns its stream. */
export type Opening = (
  api: Api,
  followed: Followed,
  heard: Heard,
  signal: AbortSignal,
  lastEventId: string | null,
) => Promise<void>;

export interface Heard {
  /** The server has the run: a further connection need not start it. */
  onBegun(): void;
  /** Called for any bytes, even a ping. */
  onSign(): void;
  onEvent(event: ThreadEvent, id: string | null): void;
}

export interface FollowOptions {
  opening?: Opening;
  signal: AbortSignal;
  /** After this time without a connection the last failure is thrown. */
  patienceMs: number;
  /** The first wait; it doubles up to 16 times. */
  retryMs?: number;
}

/** An error that a new connection would not fix. */
class BrokenStream extends Error {}

/** The server pings every 10 s: a connection that is silent for three pings is dead. */
const silenceMs = 35_000;

/** Resolves after the terminal event. Throws on an error that it can't recover from, and when `signal` is aborted. */
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
      const read = position.begun || !options.opening ? readResponse : options.opening;
      await readConnection(read, api, followed, follower, position, { signal, hear });
    } catch (error) {
      failure = error;
    }
    if (position.ended) return;
    signal.throwIfAborted();
    if (failure instanceof BrokenStream || (failure instanceof ApiError && !failure.isPassing)) throw failure;
    if (Date.now() - heardAt > patienceMs) throw failure;
    const told = waitFor(failure);
    if (told > 0) {
      // It answers, so it will come back.
      heardAt = Date.now() + told;
      follower.onWait?.(failure as ApiError);
    } else if (failures === 0) follower.onConnection?.(false);
    await pause(Math.max(told, retryMs * Math.min(16, 2 ** failures)), signal);
    failures += 1;
  }
}

interface Position {
  lastEventId: string | null;
  begun: boolean;
  ended: boolean;
}

async function readConnection(
  read: Opening,
  api: Api,
  followed: Followed,
  follower: Follower,
  position: Position,
  { signal, hear }: { signal: AbortSignal; hear: () => void },
): Promise<void> {
  const silence = watchSilence(signal);
  const heard: Heard = {
    onBegun: () => {
      position.begun = true;
    },
    onSign: () => {
      silence.hear();
      hear();
    },
    onEvent: (event, id) => {
      follower.onEvent(event, id);
      if (id !== null) position.lastEventId = id;
      if (event.type !== "RUN_FINISHED" && event.type !== "RUN_ERROR") return;
      position.ended = true;
      silence.end("the run has ended");
    },
  };
  const left = { ...followed, begin: position.begun ? null : followed.begin };
  try {
    await read(api, left, heard, silence.signal, position.lastEventId);
  } finally {
    silence.stop();
  }
}

/** A signal that aborts with `signal`, by `end`, and after a silence longer than a living server keeps. */
export function watchSilence(signal: AbortSignal) {
  const over = new AbortController();
  const end = (why: string): void => over.abort(new Error(why));
  const listen = () => setTimeout(() => end("the server was silent"), silenceMs);
  let timer = listen();
  const stop = (): void => clearTimeout(timer);
  const hear = (): void => {
    stop();
    timer = listen();
  };
  return { signal: AbortSignal.any([signal, over.signal]), hear, end, stop };
}

/** Over the plain API, without AG-UI. */
export async function readResponse(
  api: Api,
  followed: Followed,
  heard: Heard,
  signal: AbortSignal,
  lastEventId: string | null,
): Promise<void> {
  const response = await connect(api, followed, lastEventId, signal);
  heard.onBegun();
  await readFrames(response, heard, signal);
}

/** Reads until the response ends, is cut, or `signal` is aborted; then cancels it. */
export async function readFrames(
  response: Response,
  heard: Pick<Heard, "onSign" | "onEvent"> & { onRetry?: (ms: number) => void },
  signal: AbortSignal,
): Promise<void> {
  const reader = response.body?.getReader();
  const frames = new FrameReader();
  while (!signal.aborted) {
    const chunk = await reader?.read();
    if (!chunk || chunk.done) return;
    heard.onSign();
    const reading = parse(() => frames.read(chunk.value));
    if (reading.retryMs !== null) heard.onRetry?.(reading.retryMs);
    for (const { id, data } of reading.frames)
      heard.onEvent(
        parse(() => JSON.parse(data) as ThreadEvent),
        id,
      );
  }
  await reader?.cancel().catch(() => {});
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BrokenStream(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function connect(
  api: Api,
  { thread, run, begin }: Followed,
  lastEventId: string | null,
  signal: AbortSignal,
): Promise<Response> {
  if (begin === null) return api.watchRun(thread, run, lastEventId, signal);
  if (begin.kind === "message") return api.startRun(thread, run, begin, signal);
  if (begin.kind === "again") return api.askAgain(thread, run, begin, signal);
  return api.resumeRun(thread, run, begin.interrupted, begin.answers, signal);
}

/** Rejects when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
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
