// A run that is watched to its end, and what holds for every end, however it came about.
import { expect } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { StreamFrame, Taskloom } from "./harness.ts";
import {
  checkFrames,
  isResync,
  openReader,
  readAsClient,
  readConversation,
  type StreamReader,
} from "./stream-reader.ts";

export interface Ending {
  thread: string;
  run: Run;
  /** What a client has that reconnected wherever it was cut. */
  events: ThreadEvent[];
  /** How often it was cut: where more arrives at once than a reader may be behind. */
  cuts: number;
}

type Server = Pick<Taskloom, "url" | "key" | "json">;

let threads = 0;

/** A run that can be read at all is read within a few connections. */
const MAX_CUTS = 10;

/** The keys of the tests' servers: none may appear anywhere. */
const keys = /model-key|sandbox-key|first-key/;

/** On a new thread. The live stream, a replay and the stored rows are the same conversation. */
export async function runToEnd(taskloom: Server, message: string, body: Record<string, unknown> = {}): Promise<Ending> {
  const thread = `watched-${threads++}`;
  const path = `/v1/threads/${thread}`;
  const invocation_id = `inv-${thread}`;
  const post = { method: "POST", body: { message, invocation_id, ...body } };
  const begun = await openReader(taskloom, `${path}/runs`, post);
  const { events, cuts } = await follow(taskloom, `${path}/runs/${invocation_id}`, begun);
  const run = await taskloom.json<Run>("GET", `${path}/runs/${invocation_id}`);
  const rows = await taskloom.json<{ data: MessageRow[] }>("GET", `${path}/messages`);
  const statuses = rows.data.filter(({ type }) => type === "status").map(({ content }) => content);
  if (run.status === "failed") {
    const { reason, ...error } = run.error ?? { message: "" };
    expect(events.at(-1)).toEqual({ type: "RUN_ERROR", ...error, ...(reason ? { metadata: { reason } } : {}) });
    expect(statuses).toMatchObject([{ status: "failed", error: run.error }]);
    expect(run.error?.message).toMatch(/^[A-Z].{20,}[.!]$/s);
  }
  const replay = await openReader(taskloom, `${path}/runs/${invocation_id}/events`);
  expect(await replay.ended).toBe("closed");
  const stored = await readConversation(taskloom, thread);
  await checkReceived(events, stored);
  await checkReceived(
    replay.frames.map(({ event }) => event),
    stored,
  );
  const diagnostics = await taskloom.json("GET", `${path}/diagnostics`);
  expect(JSON.stringify([events, run, rows, diagnostics])).not.toMatch(keys);
  return { thread, run, events, cuts };
}

/**
 * Reads to the end of the run like a client that has `before`: after a cut it reconnects with the last number it has.
 */
export async function follow(
  taskloom: Server,
  runPath: string,
  begun: StreamReader,
  before: StreamFrame[] = [],
): Promise<{ events: ThreadEvent[]; cuts: number }> {
  let reader = begun;
  let frames = before;
  for (let cuts = 0; ; cuts++) {
    const end = await reader.ended;
    checkFrames(reader.frames);
    frames = isResync(reader.frames) ? reader.frames : [...frames, ...reader.frames];
    if (end === "closed") return { events: frames.map(({ event }) => event), cuts };
    if (cuts === MAX_CUTS) throw new Error(`cut ${cuts} times`);
    reader = await openReader(taskloom, `${runPath}/events`, { after: reader.lastId });
  }
}

/** A client ends with the conversation; after a resync, which may leave out the oldest, with the end of it. */
export async function checkReceived(events: ThreadEvent[], stored: unknown[]): Promise<void> {
  // AG-UI's client keeps a reasoning where a snapshot has none at all, so that of a void reply stays with it.
  const kept = new Set(stored.map((message) => (message as { id: string }).id));
  const received = (await readAsClient(events)).messages.filter((message) => {
    const { id, role } = message as { id: string; role: string };
    return role !== "reasoning" || kept.has(id);
  });
  const [first] = events;
  const resynced = first?.type === "RUN_STARTED" && first.metadata?.resync === true;
  expect(received.length).toBeGreaterThan(0);
  expect(received).toEqual(resynced ? stored.slice(-received.length) : stored);
}

/** How long the server waited before each further attempt. */
export function retries(events: ThreadEvent[]): number[] {
  return events.flatMap((event) =>
    event.type === "CUSTOM" && event.name === "model_retry" ? [event.value.after_ms] : [],
  );
}

/** A later run on the thread, which must not be affected by what happened before. */
export async function runAgain(taskloom: Server, thread: string): Promise<void> {
  const run = await taskloom.json<Run>("POST", `/v1/threads/${thread}/runs?wait=1`, { message: "[[text Again.]]" });
  expect(run).toMatchObject({ status: "completed", result: { text: "Again." } });
}
