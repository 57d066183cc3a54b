// A run that is watched to its end, and what every end must have, however it came about.
import { expect } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { StreamFrame, Taskloom } from "./harness.ts";
import { checkFrames, isResync, openReader, readConversation, retell, type StreamReader } from "./stream-reader.ts";

export interface Ending {
  thread: string;
  run: Run;
  /** What a client knows that came back wherever it was cut. */
  events: ThreadEvent[];
  /** How often it was cut: where more comes at once than a reader may be behind. */
  cuts: number;
}

type Server = Pick<Taskloom, "url" | "key" | "json">;

let threads = 0;

/** A run that is told at all is told within a few connections. */
const MOST_CUTS = 10;

/** The keys of the tests' servers: none may be met anywhere. */
const keys = /model-key|sandbox-key|first-key/;

/** On a new thread. What was streamed, what a replay tells and what is stored are the same conversation. */
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
    expect(events.at(-1)).toEqual({ type: "RUN_ERROR", code: run.error?.code, message: run.error?.message });
    expect(statuses).toMatchObject([{ status: "failed", error: run.error }]);
    expect(run.error?.message).toMatch(/^[A-Z].{20,}[.!]$/s);
  }
  const replay = await openReader(taskloom, `${path}/runs/${invocation_id}/events`);
  expect(await replay.ended).toBe("closed");
  const stored = await readConversation(taskloom, thread);
  await checkTold(events, stored);
  await checkTold(
    replay.frames.map(({ event }) => event),
    stored,
  );
  const diagnostics = await taskloom.json("GET", `${path}/diagnostics`);
  expect(JSON.stringify([events, run, rows, diagnostics])).not.toMatch(keys);
  return { thread, run, events, cuts };
}

/** Reads to the end of the run as a client does that has `before`: who is cut comes back with the last number it has. */
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
    if (cuts === MOST_CUTS) throw new Error(`cut ${cuts} times`);
    reader = await openReader(taskloom, `${runPath}/events`, { after: reader.lastId });
  }
}

/** What a client ends with is the conversation; after a resync, which may leave out the oldest, the end of it. */
export async function checkTold(events: ThreadEvent[], stored: unknown[]): Promise<void> {
  // AG-UI's client keeps a reasoning where a snapshot has none at all: one of a void reply stays with it.
  const kept = new Set(stored.map((message) => (message as { id: string }).id));
  const told = (await retell(events)).messages.filter((message) => {
    const { id, role } = message as { id: string; role: string };
    return role !== "reasoning" || kept.has(id);
  });
  const [first] = events;
  const resynced = first?.type === "RUN_STARTED" && first.metadata?.resync === true;
  expect(told.length).toBeGreaterThan(0);
  expect(told).toEqual(resynced ? stored.slice(-told.length) : stored);
}

/** How long was waited before each further attempt. */
export function retries(events: ThreadEvent[]): number[] {
  return events.flatMap((event) =>
    event.type === "CUSTOM" && event.name === "model_retry" ? [event.value.after_ms] : [],
  );
}

/** A later run on the thread, which must not mind what happened before. */
export async function runAgain(taskloom: Server, thread: string): Promise<void> {
  const run = await taskloom.json<Run>("POST", `/v1/threads/${thread}/runs?wait=1`, { message: "[[text Again.]]" });
  expect(run).toMatchObject({ status: "completed", result: { text: "Again." } });
}
