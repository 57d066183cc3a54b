// The socket is destroyed after every event of two runs, and within each, on the stream of the thread, of each run and
// on /ag-ui, while the runs work and after they have ended: no run notices, and every client that reconnects ends with
// everything, once.
import { isDeepStrictEqual } from "node:util";
import { HttpAgent } from "@ag-ui/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { stride } from "../setup/run-count.ts";
import { after, type Cut, readUntilCut, withinNext } from "./cut-reader.ts";
import type { StreamFrame } from "./harness.ts";
import { type RunsClient, startRunsClient, userTexts } from "./runs-client.ts";
import {
  checkFrames,
  isResync,
  openReader,
  readAsClient,
  readConversation,
  type StreamReader,
} from "./stream-reader.ts";

let client: RunsClient;

beforeAll(async () => {
  client = await startRunsClient();
});
afterAll(() => client.close());

const ofThread = (thread: string) => `/v1/threads/${thread}/events`;
const ofRun = (thread: string, run: string) => `/v1/threads/${thread}/runs/${run}/events`;
const isEnd = ({ event }: StreamFrame) => event.type === "RUN_FINISHED" && event.runId === "inv-2";

/** More events than the runs have: a client cut at a later one receives everything. */
const MAX_EVENTS = { thread: 75, "inv-1": 60, "inv-2": 20 };

/** Reasoning, text, a plan, two calls in one message, a command with live output, a steered message and a question. */
async function playFirst(thread: string, watcher: StreamReader): Promise<void> {
  const awaitDelta = (text: string) => watcher.until(({ event }) => "delta" in event && event.delta === text);
  const first = await client.model.next();
  for (const piece of ["First ", "a plan."]) {
    first.think(piece);
    await awaitDelta(piece);
  }
  for (const piece of ["I plan 👩", "\u200d👧 now."]) {
    first.text(piece);
    await awaitDelta(piece);
  }
  first.call(0, "call-plan", "create_tasks", '{"sections":[{"title":"工作",');
  await awaitDelta('{"sections":[{"title":"工作",');
  first.args(0, '"tasks":["count","tell"]}]}');
  first.finish("tool_calls");
  const second = await client.model.next();
  const command = "for i in 1 2 3 4 5 6; do echo line $i; sleep 0.6; done";
  second.call(0, "call-count", "execute_command", JSON.stringify({ command }));
  second.call(1, "call-read", "read_file", '{"path":"missing.txt"}');
  second.finish("tool_calls");
  await watcher.until(({ event }) => event.type === "CUSTOM" && event.name === "tool_output");
  const steered = await client.post(`${thread}/runs`, { message: "rather blue", on_busy: "steer" });
  expect(steered.body.invocation_id).toBe("inv-1");
  const third = await client.model.next();
  expect(userTexts(third).slice(0, 2)).toEqual(["count 一二三", "rather blue"]);
  third.text("One more thing: ");
  await awaitDelta("One more thing: ");
  third.call(0, "call-ask", "ask", '{"question":"Which blue?"}');
  third.finish("tool_calls");
  await watcher.until(({ event }) => event.type === "RUN_FINISHED" && event.outcome.type === "interrupt");
}

async function playSecond(watcher: StreamReader): Promise<void> {
  const call = await client.model.next();
  for (const piece of ["Dark ", "blue it ", "is."]) {
    call.text(piece);
    await watcher.until(({ event }) => "delta" in event && event.delta === piece);
  }
  call.call(0, "call-end", "complete", '{"summary":"counted"}');
  call.finish("tool_calls");
}

async function answerQuestion(thread: string): Promise<void> {
  const { interrupts } = await client.readRun(thread, "inv-1");
  const resume = [{ interrupt_id: interrupts[0]?.id, status: "resolved", payload: "dark blue" }];
  const answered = await client.post(`${thread}/runs/inv-1/resume`, { resume, invocation_id: "inv-2" });
  expect(answered.status).toBe(202);
}

interface Returned {
  cut: string;
  /** Received before the socket was destroyed. */
  before: StreamFrame[];
  /** Everything received, over all connections. */
  all: StreamFrame[];
  /** What the client works with: everything from the last resync on, where there was one. */
  held: StreamFrame[];
}

/** Reads up to the cut, and reconnects with the last id until it has the end. */
async function readCut(path: string, name: string, cut: Cut, idle: Promise<unknown>): Promise<Returned> {
  const before = await readUntilCut(client.taskloom, path, (text) => cut(text) ?? (hasEnd(text) ? text.length : null));
  const all = [...before];
  let held = [...before];
  while (!isOver(path, all)) {
    const last = all.findLast(({ id }) => id !== null)?.id ?? null;
    const reader = await openReader(client.taskloom, path, { after: last });
    const how = await Promise.race([untilEnd(reader).catch(() => "closed"), reader.ended]);
    reader.leave();
    all.push(...reader.frames);
    held = isResync(reader.frames) ? [...reader.frames] : [...held, ...reader.frames];
    // Between two runs the server closes the thread's stream for a reader that has everything.
    if (how === "closed" && reader.frames.length === 0) await idle;
  }
  return { cut: name, before, all, held };
}

/** The end of the last run, or the two snapshots that give it to a client whose position in an idle thread was lost. */
async function untilEnd(reader: StreamReader): Promise<void> {
  const { event } = await reader.until((frame) => isEnd(frame) || hasEnded(frame));
  if (event.type === "MESSAGES_SNAPSHOT") await reader.until(({ event }) => event.type === "STATE_SNAPSHOT");
}

function hasEnded({ event }: StreamFrame): boolean {
  return event.type === "MESSAGES_SNAPSHOT" && JSON.stringify(event).includes("The run ends here.");
}

function isOver(path: string, frames: StreamFrame[]): boolean {
  if (frames.some((frame) => isEnd(frame) || hasEnded(frame))) return true;
  return path.includes("/runs/") && frames.at(-1)?.event.type === "RUN_FINISHED";
}

function hasEnd(text: string): boolean {
  return /"RUN_FINISHED"[^\n]*"runId":"inv-2"[^\n]*\n\n/.test(text);
}

function everyPlace(max: number): number[] {
  return Array.from({ length: Math.ceil(max / stride) }, (_, at) => at * stride);
}

function cutEverywhere(path: string, max: number, idle: Promise<unknown> = Promise.resolve()): Promise<Returned[]> {
  const cuts = everyPlace(max).map((events) => [
    ...(events === 0 ? [] : [readCut(path, `after ${events}`, after(events), idle)]),
    readCut(path, `within ${events + 1}`, withinNext(events), idle),
  ]);
  return Promise.all(cuts.flat());
}

/** Each place was cut, and each client that reconnected has everything once, live or from a replay. */
async function expectWhole(returned: Returned[], undisturbed: StreamFrame[]): Promise<void> {
  checkFrames(undisturbed);
  const { messages, state } = await readAsClient(eventsOf(undisturbed));
  for (const { cut, all, held } of returned) {
    // Most received exactly the same frames, which need no second comparison.
    if (isDeepStrictEqual(all, undisturbed)) continue;
    checkFrames(all);
    const received = await readAsClient(eventsOf(held));
    // A resync contains the whole thread, so also what came before and after the run.
    const start = isResync(held) ? received.messages.findIndex((each) => isDeepStrictEqual(each, messages[0])) : 0;
    const own = isResync(held) ? received.messages.slice(start, start + messages.length) : received.messages;
    expect({ cut, messages: own, state: received.state }).toEqual({ cut, messages, state });
  }
  const lengths = new Set(returned.map(({ before }) => before.length));
  // A late connection received fewer, longer deltas.
  const shortest = Math.min(
    ...returned.filter(({ before, all }) => before.length === all.length).map(({ all }) => all.length),
  );
  for (const events of everyPlace(shortest)) expect(lengths).toContain(events);
  expect(shortest).toBeGreaterThan(undisturbed.length / 2);
}

/** A replay after the end is the same each time, wherever the client was cut. */
async function expectReplay(path: string, max: number, undisturbed: StreamFrame[]): Promise<void> {
  const returned = await cutEverywhere(path, max);
  const whole = returned.find(({ before, all }) => before.length === all.length)?.all ?? [];
  for (const { cut, all } of returned) expect([cut, all]).toEqual([cut, whole]);
  await expectWhole(returned, whole);
  expect(await readAsClient(eventsOf(whole))).toEqual(await readAsClient(eventsOf(undisturbed)));
}

function eventsOf(frames: StreamFrame[]): ThreadEvent[] {
  const events = frames.map(({ event }) => event);
  if (events[0]?.type !== "MESSAGES_SNAPSHOT") return events;
  // AG-UI's client reads runs; an idle thread has none.
  const run = { threadId: "any", runId: "any" };
  return [{ type: "RUN_STARTED", ...run }, ...events, { type: "RUN_FINISHED", ...run, outcome: { type: "success" } }];
}

/** Both runs, from the first event to the last, with what reads beside them. */
async function playBoth(
  thread: string,
  read: { thread?: (idle: Promise<unknown>) => void; run?: (run: "inv-1" | "inv-2") => void },
): Promise<StreamFrame[]> {
  const { taskloom } = client;
  await taskloom.json("POST", "/v1/threads", { thread_id: thread });
  const watcher = await openReader(taskloom, ofThread(thread));
  const idle = watcher.until(({ event }) => event.type === "RUN_STARTED" && event.runId === "inv-2");
  read.thread?.(idle);
  await client.post(`${thread}/runs`, { message: "count 一二三", message_id: `${thread}-m`, invocation_id: "inv-1" });
  read.run?.("inv-1");
  await playFirst(thread, watcher);
  await answerQuestion(thread);
  read.run?.("inv-2");
  await playSecond(watcher);
  await watcher.until(isEnd);
  watcher.leave();
  checkFrames(watcher.frames);
  expect(isResync(watcher.frames)).toBe(false);
  for (const run of ["inv-1", "inv-2"]) expect(await client.readRun(thread, run)).toMatchObject({ attempt: 1 });
  return watcher.frames;
}

/** The plan of a state, in the form of `GET …/tasks`. */
async function expectPlan(thread: string, state: unknown): Promise<void> {
  const plan = await client.taskloom.json<object>("GET", `/v1/threads/${thread}/tasks`);
  expect(plan).toMatchObject((state as { plan: object }).plan);
}

/** A client of /ag-ui whose socket is destroyed after this many events; then HttpAgent attaches to the run. */
async function attachCut(threadId: string, runId: string, events: number) {
  const { taskloom } = client;
  const body = { threadId, runId, messages: [] };
  const before = await readUntilCut(taskloom, "/ag-ui", after(events), { body });
  const headers = { authorization: `Bearer ${taskloom.key}` };
  const agent = new HttpAgent({ url: `${taskloom.url}/ag-ui`, threadId, headers });
  await agent.runAgent({ runId });
  const received = JSON.parse(JSON.stringify(agent.messages)) as Record<string, unknown>[];
  const messages = received.map((each) => Object.fromEntries(Object.entries(each).filter(([, value]) => value !== "")));
  return { events: before.length, messages, state: agent.state as unknown };
}

describe("a socket that is destroyed after and within any event", () => {
  it("of the thread's stream: no run notices, and a client that reconnects has everything once", async () => {
    const thread = "cut-thread";
    let returned: Promise<Returned[]> = Promise.resolve([]);
    const watched = await playBoth(thread, {
      thread: (idle) => {
        returned = cutEverywhere(ofThread(thread), MAX_EVENTS.thread, idle);
      },
    });
    await expectWhole(await returned, watched);
    const { messages, state } = await readAsClient(eventsOf(watched));
    expect(messages).toEqual(await readConversation(client.taskloom, thread));
    await expectPlan(thread, state);
    await expectReplay(ofThread(thread), MAX_EVENTS.thread, watched);
  });

  it("of a run's stream: no run notices, and a client that reconnects has everything once", async () => {
    const thread = "cut-run";
    const live = new Map<string, Promise<Returned[]>>();
    const watched = await playBoth(thread, {
      run: (run) => live.set(run, cutEverywhere(ofRun(thread, run), MAX_EVENTS[run])),
    });
    const start = watched.findIndex(({ event }) => event.type === "RUN_STARTED" && event.runId === "inv-2");
    for (const [run, undisturbed] of [
      ["inv-1", watched.slice(0, start)],
      ["inv-2", watched.slice(start)],
    ] as const) {
      await expectWhole((await live.get(run)) ?? [], undisturbed);
      await expectReplay(ofRun(thread, run), MAX_EVENTS[run], undisturbed);
    }
  });

  it("of /ag-ui: an unmodified HttpAgent that attaches again ends with the stored messages and plan", async () => {
    const thread = "cut-ag-ui";
    const live = new Map<string, ReturnType<typeof attachCut>[]>();
    const attach = (run: "inv-1" | "inv-2") =>
      everyPlace(MAX_EVENTS[run]).map((place) => attachCut(thread, run, place + 1));
    await playBoth(thread, { run: (run) => live.set(run, attach(run)) });
    const stored = await readConversation(client.taskloom, thread);
    const asked = stored.findIndex((message) => JSON.stringify(message).includes('"dark blue"'));
    for (const [run, atItsEnd] of [
      ["inv-1", stored.slice(0, asked)],
      ["inv-2", stored],
    ] as const) {
      const cut = await Promise.all(live.get(run) ?? []);
      for (const { events, messages, state } of cut) {
        expect([events, messages]).toEqual([events, atItsEnd]);
        await expectPlan(thread, state);
      }
      expect(new Set(cut.map(({ events }) => events)).size).toBeGreaterThan((run === "inv-1" ? 30 : 8) / stride);
      for (const { messages, state } of await Promise.all(attach(run))) {
        expect(messages).toEqual(stored);
        await expectPlan(thread, state);
      }
    }
  });
});
