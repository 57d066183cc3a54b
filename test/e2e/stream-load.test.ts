// Many readers at once, slow ones, and more data than a process keeps in memory: each ends with the conversation, and
// no run waits for anybody. With SHOW_TIMES=1 the figures are printed.
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findRuntime, readMemoryKib } from "../../bench/processes/process-usage.ts";
import type { AgUiMessage, ThreadEvent } from "../../src/protocol/event.ts";
import { Transcript } from "../fakes/transcript.ts";
import { type StreamFrame, startTaskloom, type Taskloom } from "./harness.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { openSlowReader, type SlowReader } from "./slow-reader.ts";
import { checkFrames, isResync, openReader, readConversation, resume, type StreamReader } from "./stream-reader.ts";

let taskloom: Taskloom;
let model: PuppetModel;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startTaskloom({ OPENAI_BASE_URL: model.baseUrl });
});
afterAll(async () => {
  await taskloom.close();
  await model.close();
});

const pathOf = (thread: string) => `/v1/threads/${thread}/runs/inv-${thread}/events`;

/** A run of the thread, and the model call that it waits for. */
async function start(thread: string, invocation_id = `inv-${thread}`): Promise<ModelCall> {
  const calling = model.next();
  await taskloom.json("POST", `/v1/threads/${thread}/runs`, { message: `of ${thread}`, invocation_id });
  return calling;
}

// The figures in docs/reliability.md.
function show(line: string): void {
  if (process.env.SHOW_TIMES !== undefined) console.log(line);
}

function memoryMib(): number | null {
  const runtime = findRuntime(process.pid);
  const kib = runtime === null ? null : readMemoryKib(runtime, "now");
  return kib === null ? null : Math.round(kib / 1024);
}

function isDelta(text: string): (frame: StreamFrame) => boolean {
  return ({ event }) => event.type === "TEXT_MESSAGE_CONTENT" && event.delta.includes(text);
}

/** This many pieces of text, as fast as the watcher takes them: a reader that is far behind is cut. */
async function flood(call: ModelCall, watcher: StreamReader, count: number, size: number, name = ""): Promise<void> {
  for (let piece = 1; piece <= count; piece++) {
    call.text(`${name}${piece} `.padEnd(size, "x"));
    if (piece % 5 === 0 || piece === count) await watcher.until(isDelta(`${name}${piece} x`));
  }
}

/** Two messages of a run with a call between, because a single one may not be as long. The second is left open. */
async function floodTwice(thread: string, first: ModelCall, watcher: StreamReader, size: number): Promise<ModelCall> {
  await flood(first, watcher, 50, size, "a");
  first.call(0, `call-${thread}`, "view_tasks", "{}");
  first.finish("tool_calls");
  const second = await model.next();
  await flood(second, watcher, 50, size, "b");
  return second;
}

/**
 * Asserts that a client with these events has the stored conversation. It uses neither AG-UI's client, which copies all
 * messages at each event, nor `toEqual`, whose report would be as large as the data.
 */
async function expectConversation(thread: string, events: ThreadEvent[]): Promise<void> {
  const received = [...new Transcript().applyAll(events).messages.values()];
  const messages = (await readConversation(taskloom, thread)) as AgUiMessage[];
  const stored = [...new Transcript().apply({ type: "MESSAGES_SNAPSHOT", messages }).messages.values()];
  // A resync contains the newest only.
  const [first] = events;
  const isResynced = first?.type === "RUN_STARTED" && first.metadata?.resync === true;
  const missing = isResynced ? stored.length - received.length : 0;
  expect(missing).toBeLessThan(stored.length);
  expect(isDeepStrictEqual(received, stored.slice(missing))).toBe(true);
}

describe("five hundred readers of fifty threads, with a run on each", () => {
  it("get every event once, in order, and none is dropped", async () => {
    const threads = Array.from({ length: 50 }, (_, index) => `thread-load-${index}`);
    const before = memoryMib();
    const calls: ModelCall[] = [];
    for (const thread of threads) calls.push(await start(thread));
    const readers = await Promise.all(
      threads.flatMap((thread) => Array.from({ length: 10 }, () => openReader(taskloom, pathOf(thread)))),
    );
    const open = memoryMib();
    const began = performance.now();
    for (let piece = 0; piece < 40; piece++) {
      for (const call of calls) call.text(`piece ${piece}; `);
      await Promise.all(readers.slice(-10).map((reader) => reader.until(isDelta(`piece ${piece};`))));
    }
    for (const call of calls) call.finish();
    expect(new Set(await Promise.all(readers.map(({ ended }) => ended)))).toEqual(new Set(["closed"]));
    const ms = Math.round(performance.now() - began);
    const said = Array.from({ length: 40 }, (_, piece) => `piece ${piece}; `);
    for (const [index, thread] of threads.entries()) {
      const [first, ...others] = readers.slice(index * 10, index * 10 + 10);
      const frames = first?.frames ?? [];
      checkFrames(frames);
      const deltas = frames.map(({ event }) => (event.type === "TEXT_MESSAGE_CONTENT" ? event.delta : ""));
      expect(deltas.join("")).toBe(said.join(""));
      for (const other of others) expect(other.frames).toEqual(frames);
      await expectConversation(thread, resume([], frames));
    }
    show(`500 readers: ${ms} ms for 40 rounds; memory ${before} MiB, ${open} with all open, ${memoryMib()} after`);
  });
});

describe("a reader of one byte a second", () => {
  it("slows no run, and has everything when it reconnects", async () => {
    const timeRun = async (thread: string, slow: number): Promise<number> => {
      const call = await start(thread);
      const readers = await Promise.all(
        Array.from({ length: slow }, () => openSlowReader(taskloom, pathOf(thread), { bytesPerSecond: 1 })),
      );
      const watcher = await openReader(taskloom, pathOf(thread));
      const began = performance.now();
      (await floodTwice(thread, call, watcher, 25_000)).finish();
      expect(await watcher.ended).toBe("closed");
      const ms = performance.now() - began;
      for (const reader of readers) {
        reader.hurry();
        await reader.ended;
        const taken = reader.frames;
        checkFrames(taken);
        if (taken.at(-1)?.event.type === "RUN_FINISHED") {
          await expectConversation(thread, resume([], taken));
          continue;
        }
        const back = await openReader(taskloom, pathOf(thread), { after: reader.lastId });
        expect(await back.ended).toBe("closed");
        await expectConversation(thread, resume(taken, back.frames));
      }
      return ms;
    };
    await timeRun("thread-warm", 0);
    const times: { alone: number; beside: number }[] = [];
    for (let round = 0; round < 3; round++) {
      times.push({
        alone: await timeRun(`thread-alone-${round}`, 0),
        beside: await timeRun(`thread-beside-${round}`, 3),
      });
    }
    const best = (of: (time: (typeof times)[number]) => number) => Math.min(...times.map(of));
    const [alone, beside] = [best((time) => time.alone), best((time) => time.beside)];
    show(`a run of 2.5 MB: ${alone.toFixed(0)} ms alone, ${beside.toFixed(0)} ms beside three slow readers`);
    // A run that waited for such a reader would take weeks.
    expect(beside / alone).toBeLessThan(3);
  });
});

// A longer conversation gets a summary.
describe("a thread of 5 MB", () => {
  it("reaches a slow reader that has lost its place, while a run floods, without repeated cuts", async () => {
    for (let index = 0; index < 10; index++) {
      const call = await start("thread-5mb", `inv-${index}`);
      call.text(`${index} `.padEnd(300_000, "y"));
      call.finish();
      const done = await openReader(taskloom, `/v1/threads/thread-5mb/runs/inv-${index}/events`);
      await done.ended;
    }
    let call = await start("thread-5mb");
    const path = pathOf("thread-5mb");
    const watcher = await openReader(taskloom, path);
    call.text("it begins");
    await watcher.until(isDelta("it begins"));
    const slow = await openSlowReader(taskloom, path, { after: 10_000_000, bytesPerSecond: 900_000 });
    for (let step = 0; step < 2; step++) {
      await flood(call, watcher, 50, 20_000, `${step}.`);
      if (step < 1) call.call(0, `call-${step}`, "view_tasks", "{}");
      call.finish(step < 1 ? "tool_calls" : "stop");
      if (step < 1) call = await model.next();
    }
    await watcher.ended;
    const began = performance.now();
    const how = await slow.ended;
    const waited = Math.round(performance.now() - began);
    show(`a reader of 900 kB/s was ${how}, ${waited} ms after the run's end`);
    const { frames } = slow;
    checkFrames(frames);
    expect(isResync(frames)).toBe(true);
    const rest = how === "closed" ? null : await openReader(taskloom, path, { after: slow.lastId });
    if (rest !== null) expect(await rest.ended).toBe("closed");
    await expectConversation("thread-5mb", resume(frames, rest?.frames ?? []));
  });
});

interface FullThread {
  thread: string;
  call: ModelCall;
  watcher: StreamReader;
  idle: SlowReader | null;
  /** What the watcher had before the flood. */
  id: number;
}

/** Where memory is short a reader is cut, and comes back. */
async function readToEnd(thread: string, first: StreamReader, from: number): Promise<StreamFrame[]> {
  let frames: StreamFrame[] = [];
  for (let reader = first; ; ) {
    const how = await reader.ended;
    frames = isResync(reader.frames) ? reader.frames : [...frames, ...reader.frames];
    if (how === "closed" || frames.at(-1)?.event.type === "RUN_FINISHED") return frames;
    const after = frames.findLast(({ id }) => id !== null)?.id ?? from;
    reader = await openReader(taskloom, pathOf(thread), { after });
  }
}

describe("twelve threads with 2 MiB of unread deltas each", () => {
  it("stay within the isolate's bound, and every reader ends with the conversation", async () => {
    const threads = Array.from({ length: 12 }, (_, index) => `thread-full-${index}`);
    const before = memoryMib();
    const runs: FullThread[] = [];
    for (const thread of threads) {
      const call = await start(thread);
      const watcher = await openReader(taskloom, pathOf(thread));
      call.text("first");
      const { id } = await watcher.until(isDelta("first"));
      // On each fifth thread one that reads nothing, too.
      const options = { after: id ?? 0, bytesPerSecond: 1 };
      const idle = runs.length % 5 === 0 ? await openSlowReader(taskloom, pathOf(thread), options) : null;
      runs.push({ thread, call: await floodTwice(thread, call, watcher, 22_000), watcher, idle, id: id ?? 0 });
    }
    const held = await Promise.all(
      threads.map((thread) =>
        taskloom.json<{ journal: { memory_chars: number } }>("GET", `/v1/threads/${thread}/diagnostics`),
      ),
    );
    const chars = held.reduce((sum, { journal }) => sum + journal.memory_chars, 0);
    const full = memoryMib();
    expect(chars).toBeLessThan(32 * 1024 * 1024);
    const returned = await Promise.all(
      runs.map(({ thread, id }) => openReader(taskloom, pathOf(thread), { after: id })),
    );
    for (const { call } of runs) call.finish();
    let resyncs = 0;
    for (const [index, { thread, watcher, idle, id }] of runs.entries()) {
      await watcher.ended;
      const rest = await readToEnd(thread, returned[index] as StreamReader, id);
      if (isResync(rest)) resyncs += 1;
      const had = watcher.frames.filter((frame) => frame.id !== null && frame.id <= id);
      await expectConversation(thread, resume(had, rest));
      if (idle === null) continue;
      idle.hurry();
      await idle.ended;
      // The kernels of both ends may have held all of it.
      const hasEnd = idle.frames.at(-1)?.event.type === "RUN_FINISHED";
      const last = hasEnd ? null : await openReader(taskloom, pathOf(thread), { after: Math.max(id, idle.lastId) });
      const more = last === null ? [] : await readToEnd(thread, last, Math.max(id, idle.lastId));
      const taken = resume(had, idle.frames).map((event) => ({ id: null, event }));
      await expectConversation(thread, resume(taken, more));
    }
    show(`12 threads of 2 MiB: ${chars} characters kept, ${resyncs} resyncs; memory ${before} MiB, then ${full} MiB`);
    expect(resyncs).toBeGreaterThan(3);
  }, 120_000);
});
