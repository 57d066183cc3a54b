// Event streams of the complete server: a connection that breaks after any event costs a client nothing.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { taskIdsIn } from "../fakes/task-ids.ts";
import { type StreamFrame, startTaskloom, type Taskloom } from "./harness.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { checkFrames, openReader, readAsClient, readConversation, resume, type StreamReader } from "./stream-reader.ts";

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

const plan = JSON.stringify({ sections: [{ title: "Work", tasks: ["count", "tell"] }] });

/**
 * Where a scene stops: within the first message's reasoning, text or arguments, within a command, or within the last
 * text.
 */
type Scene = "thought" | "text" | "arguments" | "command" | "last";

interface Play {
  thread: string;
  run: string;
  path: string;
  watcher: StreamReader;
  /** The open model call, if any. */
  call: ModelCall;
}

/** Reasoning, a plan, commands with output and a failing call at once, text; up to a scene. */
async function play(thread: string, scene: Scene): Promise<Play> {
  const run = `inv-${thread}`;
  await taskloom.json("POST", `/v1/threads/${thread}/runs`, {
    message: "count 一二三 and tell 👍",
    message_id: "m1",
    invocation_id: run,
  });
  const path = `/v1/threads/${thread}/runs/${run}/events`;
  const watcher = await openReader(taskloom, path);
  const delta = (text: string) => watcher.until(({ event }) => "delta" in event && event.delta === text);
  const first = await model.next();
  const stop = (call: ModelCall): Play => ({ thread, run, path, watcher, call });
  for (const piece of ["First ", "a ", "plan."]) first.think(piece);
  await delta("plan.");
  if (scene === "thought") return stop(first);
  for (const piece of ["I plan 👩", "\u200d👧 now."]) first.text(piece);
  await delta("\u200d👧 now.");
  if (scene === "text") return stop(first);
  first.call(0, `${run}-plan`, "create_tasks");
  for (let at = 0; at < plan.length; at += 20) first.args(0, plan.slice(at, at + 20));
  await delta(plan.slice(-(plan.length % 20)));
  if (scene === "arguments") return stop(first);
  first.finish("tool_calls");

  const second = await model.next();
  second.call(0, `${run}-one`, "execute_command", '{"command":');
  const pause = scene === "command" ? 0.5 : 0.01;
  second.args(0, `"for i in 1 2 3 4 5; do echo line $i; sleep ${pause}; done"}`);
  second.call(1, `${run}-two`, "execute_command", '{"command":"echo two >&2; exit 3"}');
  second.call(2, `${run}-bad`, "read_file", '{"path":"missing.txt"}');
  second.call(3, `${run}-done`, "update_tasks", JSON.stringify({ task_ids: taskIds(second), status: "completed" }));
  second.finish("tool_calls");
  if (scene === "command") {
    await watcher.until(({ event }) => event.type === "CUSTOM" && event.name === "tool_output");
    return stop(second);
  }

  const last = await model.next();
  for (const piece of ["Now ", "tell."]) last.think(piece);
  for (const piece of ["It ", "is ", "three"]) last.text(piece);
  await delta("three");
  return stop(last);
}

function taskIds(call: ModelCall): string[] {
  const result = call.messages.findLast(({ role }) => role === "tool");
  return taskIdsIn(String(result?.content));
}

/** A model call that ends the run, whatever the plan says. */
function conclude(call: ModelCall, id: string): void {
  for (const piece of ["So ", "it ", "ends."]) call.text(piece);
  call.call(0, id, "complete", '{"summary":"three"}');
  call.finish("tool_calls");
}

/** Ends every life at once, like a crash: the runtime is started again on the same storage. */
async function crash(): Promise<void> {
  await taskloom.runtime.restart();
  model.forget();
}

function idsOf(frames: StreamFrame[]): number[] {
  return frames.flatMap(({ id }) => (id === null ? [] : [id]));
}

function upTo(frames: StreamFrame[], id: number): StreamFrame[] {
  return frames.filter((frame) => frame.id !== null && frame.id <= id);
}

function past(frames: StreamFrame[], id: number): StreamFrame[] {
  return frames.filter((frame) => frame.id !== null && frame.id > id);
}

function comeBack(path: string, ids: number[]): Promise<{ id: number; reader: StreamReader }[]> {
  return Promise.all(ids.map(async (id) => ({ id, reader: await openReader(taskloom, path, { after: id }) })));
}

/** Each reader that reconnected ends with the stored conversation and the state that a new reader receives. */
async function expectEqualEnds({ thread, path, watcher }: Play, returned: { id: number; reader: StreamReader }[]) {
  const fresh = await openReader(taskloom, path);
  await fresh.ended;
  const stored = await readConversation(taskloom, thread);
  const { state } = await readAsClient(fresh.frames.map(({ event }) => event));
  for (const { id, reader } of returned) {
    expect([id, await reader.ended]).toEqual([id, "closed"]);
    checkFrames(reader.frames);
    const received = await readAsClient(resume(upTo(watcher.frames, id), reader.frames));
    expect({ id, ...received }).toEqual({ id, messages: stored, state });
  }
}

describe("a connection that breaks after any event", () => {
  it("continues within a life with the sequence of an undisturbed reader, by header or by query", async () => {
    const { path, watcher, call, thread } = await play("thread-life", "last");
    const soFar = [...watcher.frames];
    const byHeader = await comeBack(path, [0, ...idsOf(soFar)]);
    const byQuery = await Promise.all(
      idsOf(soFar).map(async (id) => ({ id, reader: await openReader(taskloom, `${path}?after=${id}`) })),
    );
    for (const { id, reader } of [...byHeader, ...byQuery]) {
      const missed = past(soFar, id);
      if (missed.length > 0) await reader.until((frame) => frame.id === missed.at(-1)?.id);
      expect(reader.frames).toEqual(missed);
    }
    call.text(".");
    call.finish();
    expect(await watcher.ended).toBe("closed");
    for (const { id, reader } of [...byHeader, ...byQuery]) {
      expect(await reader.ended).toBe("closed");
      expect(reader.frames).toEqual(past(watcher.frames, id));
    }
    checkFrames(watcher.frames);
    const received = await readAsClient(watcher.frames.map(({ event }) => event));
    expect(received.messages).toEqual(await readConversation(taskloom, thread));
  });

  it("continues one event at a time as if never cut, while the run works", async () => {
    const { path, watcher, call } = await play("thread-steps", "last");
    call.text(".");
    call.finish();
    const frames: StreamFrame[] = [];
    for (let last = 0; frames.at(-1)?.event.type !== "RUN_FINISHED"; last = frames.at(-1)?.id ?? 0) {
      const reader = await openReader(taskloom, path, { after: last });
      frames.push(await reader.until(({ id }) => id !== null && id > last));
      reader.leave();
    }
    await watcher.ended;
    checkFrames(frames);
    const received = await readAsClient(frames.map(({ event }) => event));
    expect(received).toEqual(await readAsClient(watcher.frames.map(({ event }) => event)));
  });

  it("continues after the run, and after the object has left memory, with the same conversation and state", async () => {
    const made = await play("thread-after", "last");
    made.call.text(".");
    made.call.finish();
    await made.watcher.ended;
    const ids = [0, ...idsOf(made.watcher.frames).slice(0, -1)];
    await expectEqualEnds(made, await comeBack(made.path, ids));
    // Refused while anything, even a timer, keeps the object in memory.
    await taskloom.runtime.evictObject(`user_first/${made.thread}`);
    await expectEqualEnds(made, await comeBack(made.path, ids));
  });

  it("continues in the next life, wherever the last one ended, with the same conversation", async () => {
    const plays: Play[] = [];
    for (const scene of ["thought", "text", "arguments", "last", "command"] as const) {
      plays.push(await play(`thread-crashed-${scene}`, scene));
    }
    await crash();
    for (const { watcher } of plays) expect(await watcher.ended).toBe("broken");
    const early = await Promise.all(plays.map(({ path, watcher }) => comeBack(path, [0, ...idsOf(watcher.frames)])));
    for (const { run } of plays) conclude(await model.next(), `${run}-end`);
    for (const [index, made] of plays.entries()) {
      await expectEqualEnds(made, early[index] ?? []);
      await expectEqualEnds(made, await comeBack(made.path, [0, ...idsOf(made.watcher.frames)]));
    }
    await crash();
    for (const made of plays)
      await expectEqualEnds(made, await comeBack(made.path, [0, ...idsOf(made.watcher.frames)]));
  });
});
