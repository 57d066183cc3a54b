// Lives that end at any moment: the next one resumes the run, and neither readers nor rows show a trace of it.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { call } from "../../../test/fakes/replies.ts";
import { settle } from "../../../test/fakes/stream.ts";
import type { ReadFrame } from "../../../test/fakes/stream-reader.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { Transcript } from "../../../test/fakes/transcript.ts";
import { twoTaskModel, twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import type { Tool } from "../../agent/tool.ts";
import { ensureRunning } from "../run/run.ts";
import { readMessages } from "./messages.ts";

const run = { invocation_id: "inv_a" };

// A life that is ended logs it, many times here.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

/** Ends lives at given transactions, counted over all lives. */
class Reaper {
  count = 0;
  deaths = 0;
  readonly #isLast: (count: number, when: "before" | "after") => boolean;
  #wake = () => {};

  constructor(isLast: (count: number, when: "before" | "after") => boolean) {
    this.#isLast = isLast;
  }

  readonly dies: NonNullable<FakeThreadOptions["dies"]> = (when) => {
    if (when === "before") this.count += 1;
    if (!this.#isLast(this.count, when)) return false;
    this.deaths += 1;
    // The end is seen after the turn in which it happened.
    setImmediate(() => this.#wake());
    return true;
  };

  nextDeath(): Promise<"died"> {
    return new Promise((resolve) => {
      this.#wake = () => resolve("died");
    });
  }
}

/** Reads the run to its end over as many lives as it takes, and returns every frame that the client got. */
async function followRun(thread: FakeThread, reaper: Reaper): Promise<ReadFrame[]> {
  const frames: ReadFrame[] = [];
  for (;;) {
    const death = reaper.nextDeath();
    if (!thread.isAlive) {
      thread.crash();
      ensureRunning(thread.life);
      continue;
    }
    const after = frames.findLast(({ id }) => id !== null)?.id ?? null;
    const reader = thread.read({ ...run, after });
    const how = await Promise.race([reader.untilClosed(), death]);
    frames.push(...reader.frames);
    if (how === "died" || reader.ended !== "closed") continue;
    // Readers get the end before the mark is stored that they may: a life that ends between leaves it to the next one.
    while (!thread.isAlive || thread.life.live.size > 0) {
      if (!thread.isAlive) thread.crash();
      ensureRunning(thread.life);
      await settle();
    }
    return frames;
  }
}

async function accept(thread: FakeThread): Promise<void> {
  try {
    await thread.accept("build it", run);
  } catch {
    thread.crash();
    await thread.accept("build it", run);
  }
}

function expectWhole(thread: FakeThread, frames: ReadFrame[]): void {
  const rows = readMessages(thread.life.database.sql, thread.life.thread, 0, 1000);
  expect(rows.filter(({ type }) => type === "user").length).toBe(1);
  const calls = rowsOfType(rows, "assistant")
    .flatMap(({ content }) => content.tool_calls ?? [])
    .map(({ id }) => id);
  const answers = rowsOfType(rows, "tool").map(({ content }) => content.tool_call_id);
  expect(answers).toEqual(calls);
  expect(new Set(calls).size).toBe(calls.length);
  expect(thread.life.live.size).toBe(0);
  const held = new Transcript().applyAll(frames.map(({ event }) => event)).value;
  expect(held.outcome).toBe("success");
  expect(held.state).toEqual(thread.life.state.value);
  const replay = thread.read({ ...run, resync: true });
  expect(held).toEqual(new Transcript().applyAll(replay.events).value);
}

/** A number always means the same event. The last frame of a resync repeats a number that was sent. */
function expectUniqueNumbers(lives: ReadFrame[][]): void {
  const sent = new Map<number, string>();
  for (const frames of lives) {
    for (const { id, event } of frames) {
      if (id === null || ["STATE_SNAPSHOT", "STEP_STARTED"].includes(event.type)) continue;
      const text = JSON.stringify(event);
      expect(sent.get(id) ?? text).toBe(text);
      sent.set(id, text);
    }
  }
}

async function countTransactions(): Promise<number> {
  const reaper = new Reaper(() => false);
  const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools(), dies: reaper.dies });
  await thread.run("build it", run);
  return reaper.count;
}

describe("a life that ends at any transaction", () => {
  for (const when of ["before", "after"] as const) {
    it(`right ${when} it is followed by one that brings the run to the same end`, async () => {
      const total = await countTransactions();
      expect(total).toBeGreaterThan(8);
      for (let at = 1; at <= total; at++) {
        const done: string[] = [];
        const reaper = new Reaper((count, moment) => count === at && moment === when);
        const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools(done), dies: reaper.dies });
        await accept(thread);
        const frames = await followRun(thread, reaper);
        expect(reaper.deaths).toBe(1);
        expect(done.length).toBeLessThanOrEqual(1);
        expectWhole(thread, frames);
        expectUniqueNumbers([frames, thread.read(run).frames]);
      }
    });
  }

  it("again and again, with progress between, still lets the run complete", async () => {
    const reaper = new Reaper((count, when) => count % 4 === 0 && when === "after");
    const done: string[] = [];
    const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools(done), dies: reaper.dies });
    await accept(thread);
    const frames = await followRun(thread, reaper);
    expect(reaper.deaths).toBeGreaterThan(3);
    expect(done.length).toBeLessThanOrEqual(1);
    expectWhole(thread, frames);
  });
});

describe("a run that ends lives without progress", () => {
  it("fails with crash_loop if a tool ends each life that starts it", async () => {
    let begin = () => {};
    const look = twoTaskTools().filter(({ name }) => name === "look");
    const hang = (): Promise<never> => {
      begin();
      return new Promise(() => {});
    };
    const deadly = look.map((tool): Tool => ({ ...tool, execute: hang }));
    const thread = new FakeThread({
      replies: [call({ id: "c1", name: "look", input: { where: "x" } })],
      tools: deadly,
    });
    await thread.accept("hello", run);
    for (let life = 1; life <= 6; life++) {
      await new Promise<void>((resolve) => {
        begin = resolve;
      });
      thread.crash();
      ensureRunning(thread.life);
    }
    const { events } = await thread.read(run).untilClosed();
    expect(events.at(-1)).toMatchObject({ type: "RUN_ERROR", code: "crash_loop" });
  });

  it("fails with crash_loop at the sixth life, and the next run starts", async () => {
    const silent = () => new Promise<never>(() => {});
    const thread = new FakeThread({ replies: [], defaultReply: silent });
    await thread.accept("hello", run);
    for (let life = 1; life <= 5; life++) {
      await thread.read(run).until(({ frames }) => frames.length > 0);
      expect(thread.life.live.get("inv_a")?.run).toMatchObject({ status: "running", attempt: life });
      thread.crash();
      ensureRunning(thread.life);
    }
    const { events } = await thread.read(run).untilClosed();
    expect(events.at(-1)).toMatchObject({ type: "RUN_ERROR", code: "crash_loop" });
    thread.replies.push(async () => ({
      kind: "failure",
      failure: { code: "model_error", message: "no", retryable: false, retry_after_ms: null },
    }));
    const next = await thread.run("again");
    expect(next.events.at(-1)).toMatchObject({ type: "RUN_ERROR", code: "model_error" });
  });
});
