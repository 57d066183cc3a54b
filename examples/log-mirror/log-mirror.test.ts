// The mirror on a real thread: `src/thread/follow` drives it over a database in memory.

import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ensureFollowing } from "../../src/thread/follow/followers.ts";
import { ensureRunning } from "../../src/thread/run/run.ts";
import { createTools } from "../../src/tools/index.ts";
import { call, type Reply, reply, say } from "../../test/fakes/replies.ts";
import { noSettings } from "../../test/fakes/settings.ts";
import { FakeClock } from "../../test/fakes/stream.ts";
import { taskIdsIn } from "../../test/fakes/task-ids.ts";
import { FakeThread, type FakeThreadOptions } from "../../test/fakes/thread.ts";
import { createLogMirror, type Log, type LogPlace } from "./log-mirror.ts";

const place: LogPlace = { kind: "log", name: "builds" };
const tools = createTools(noSettings).filter(({ name }) =>
  ["create_tasks", "update_tasks", "complete", "ask"].includes(name),
);

/** A log in memory. `fails` decides whether a call fails before it is carried out, or loses its answer afterwards. */
class MemoryLog implements Log {
  readonly lines: { key: string; text: string }[] = [];
  isClosed = false;
  calls = 0;
  fails: (call: number) => "before" | "after" | null = () => null;
  onCall: (call: number) => void = () => {};

  append(key: string, text: string): Promise<number | null> {
    return this.#do(() => {
      if (this.isClosed) return null;
      expect(text.length).toBeLessThanOrEqual(2_000);
      return this.lines.push({ key, text }) - 1;
    });
  }

  replace(line: number, text: string): Promise<void> {
    return this.#do(() => {
      const found = this.lines[line];
      if (found === undefined) throw new Error(`there is no line ${line}`);
      found.text = text;
    });
  }

  find(key: string): Promise<number | null> {
    return this.#do(() => {
      const line = this.lines.findIndex((one) => one.key === key);
      return line < 0 ? null : line;
    });
  }

  get text(): string {
    return this.lines.map(({ text }) => text).join("\n");
  }

  async #do<T>(work: () => T): Promise<T> {
    this.calls += 1;
    const fails = this.fails(this.calls);
    if (fails === "before") throw new Error("away");
    const done = work();
    this.onCall(this.calls);
    if (fails === "after") throw new Error("no answer");
    return done;
  }
}

function followed(options: FakeThreadOptions) {
  const log = new MemoryLog();
  const clock = new FakeClock();
  const mirror = createLogMirror(async (_user, name) => (name === place.name ? log : null));
  const thread = new FakeThread({ tools, clock, mirrors: [mirror], ...options });
  return { thread, log, clock };
}

/** Lets time pass until everything is shown. If that never happens, the test times out. */
async function shown({ thread, clock }: { thread: FakeThread; clock: FakeClock }): Promise<void> {
  while (thread.life.followers.size > 0 || thread.life.live.size > 0) {
    await setImmediate();
    clock.advance(100);
    // As on the platform, a killed life is followed by another, and the alarm fires.
    if (!thread.isAlive) thread.crash();
    ensureRunning(thread.life);
    ensureFollowing(thread.life);
  }
}

/** A reply whose parts arrive when the test passes them. */
function inParts(...parts: string[]) {
  const gates = parts.map(() => Promise.withResolvers<void>());
  const writes: Reply = async (_request, onDelta) => {
    for (const [at, text] of parts.entries()) {
      onDelta({ type: "text", text });
      await gates[at]?.promise;
    }
    return reply({ text: parts.join("") });
  };
  return { writes, pass: (at: number) => gates[at]?.resolve() };
}

const shop = { id: "c1", name: "create_tasks", input: { section_title: "Shop", task_contents: ["Build it"] } };
const question = { id: "c1", name: "ask", input: { question: "Red or blue?", choices: ["Red", "Blue"] } };

describe("a run in the log", () => {
  it("grows in one line while the model writes, one edit a second", async () => {
    const { writes, pass } = inParts("Hel", "lo", " world");
    const world = followed({ replies: [writes] });
    const { thread, log, clock } = world;
    await thread.accept("hi", { follow: place });
    while (log.text !== "Hel") await setImmediate();
    pass(0);
    pass(1);
    await setImmediate();
    clock.advance(999);
    await setImmediate();
    expect(log.text).toBe("Hel");
    clock.advance(1);
    while (log.calls < 2) await setImmediate();
    pass(2);
    await shown(world);
    expect(log.text).toBe("Hello world\ncompleted");
    expect(log.calls).toBe(3);
  });

  it("shows the plan's progress in one line", async () => {
    const finish: Reply = (request, onDelta, signal) => {
      const [id = ""] = taskIdsIn(JSON.stringify(request.messages));
      const input = { task_ids: [id], status: "completed" };
      return call({ id: "c2", name: "update_tasks", input })(request, onDelta, signal);
    };
    const world = followed({ replies: [call(shop), finish, say("Built.")] });
    await world.thread.accept("build a shop", { follow: place });
    await shown(world);
    expect(world.log.lines.map(({ text }) => text).toSorted()).toEqual(["Built.", "completed", "plan: 1 of 1 done"]);
  });

  it("asks a question, and closes it when it was answered elsewhere", async () => {
    const world = followed({ replies: [call(question), say("Red it is.")] });
    const { thread, log } = world;
    await thread.accept("paint it", { follow: place });
    await shown(world);
    expect(log.text).toBe("asks: Red or blue?");
    thread.crash();
    await thread.accept("Red");
    await shown(world);
    expect(log.text).toBe("asked, and answered\nRed it is.\ncompleted");
  });

  it("withdraws a discarded reply that the model does not repeat", async () => {
    const failure = { code: "model_error" as const, message: "no such model", retryable: false, retry_after_ms: null };
    const gate = Promise.withResolvers<void>();
    const breaksOff: Reply = async (_request, onDelta) => {
      onDelta({ type: "text", text: "Half a rep" });
      await gate.promise;
      return { kind: "failure", failure };
    };
    const world = followed({ replies: [breaksOff] });
    await world.thread.accept("hi", { follow: place });
    while (world.log.text !== "Half a rep") await setImmediate();
    gate.resolve();
    await shown(world);
    expect(world.log.text).toBe("(withdrawn)\nfailed: no such model");
  });

  it("is retried while the log fails, in the same lines", async () => {
    for (const fails of ["before", "after"] as const) {
      const world = followed({ replies: [say("Hello")] });
      world.log.fails = (count) => (count <= 4 ? fails : null);
      await world.thread.accept("hi", { follow: place });
      await shown(world);
      expect(world.log.text).toBe("Hello\ncompleted");
      expect(world.thread.life.errors.at(-1)?.message).toMatch(/^the log: /);
    }
  });

  it("is no longer shown if the log is closed or another user's, and continues", async () => {
    const places: [LogPlace, boolean][] = [
      [place, true],
      [{ ...place, name: "somebody's" }, false],
    ];
    for (const [follow, isClosed] of places) {
      const world = followed({ replies: [say("Hello")] });
      world.log.isClosed = isClosed;
      const reader = await world.thread.run("hi", { follow });
      await shown(world);
      expect(reader.events.at(-1)).toMatchObject({ type: "RUN_FINISHED" });
      expect(world.log.lines).toEqual([]);
      expect(world.thread.life.errors.at(-1)?.message).toContain("no longer shown in the log");
    }
  });
});

describe("a run in the log whose thread loses its life", () => {
  const replies = () => [call(shop), ...Array.from({ length: 10 }, () => say("Hello ", "world"))];

  async function show(dies: (transaction: number) => boolean, loses: (call: number) => boolean) {
    let transactions = 0;
    const options: FakeThreadOptions = {
      replies: replies(),
      defaultReply: say("Hello ", "world"),
      dies: (when) => when === "after" && dies(++transactions),
    };
    const world = followed(options);
    // The log has carried the call out, and its answer is lost.
    world.log.onCall = (count) => {
      if (loses(count)) world.thread.crash();
    };
    await world.thread.accept("build", { follow: place }).catch(() => {});
    await shown(world);
    return { ...world, transactions };
  }

  const never = () => false;

  function check(lines: MemoryLog["lines"], what: string): void {
    expect(new Set(lines.map(({ key }) => key)).size, what).toBe(lines.length);
    const texts = lines.map(({ text }) => text);
    // If a life ended inside a reply, the model is called again and reminded of the open task.
    expect(
      texts.filter((text) => !/^(Hello world|completed|plan: 0 of 1 done)$/.test(text)),
      what,
    ).toEqual([]);
    expect(texts, what).toContain("Hello world");
    expect(texts.at(-1), what).toBe("completed");
  }

  it("continues in the same lines if the life ends after any transaction", async () => {
    const whole = await show(never, never);
    check(whole.log.lines, "whole");
    for (let death = 2; death <= whole.transactions; death++) {
      const { log } = await show((count) => count === death, never);
      check(log.lines, `death ${death}`);
    }
  });

  it("continues in the same lines if the life ends during any call", async () => {
    const whole = await show(never, never);
    for (let loss = 1; loss <= whole.log.calls; loss++) {
      const { log } = await show(never, (count) => count === loss);
      check(log.lines, `loss ${loss}`);
    }
  });
});
