// What a run that works for long sends to D1, and what its object stores of it.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeClock, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { defineTool } from "../../agent/tool.ts";
import { isTerminal } from "../../protocol/run.ts";
import { SIGN_MS } from "../../store/signs.ts";
import { readPosition } from "../rows/shapes/position.ts";

const look = defineTool({
  name: "look",
  description: "Looks.",
  kind: "work",
  schema: z.strictObject({ at: z.number() }),
  read_only: true,
  recovery: "repeat",
  time_limit_ms: 60_000,
  execute: async ({ at }) => ({ content: `seen ${at}`, is_error: false, details: {} }),
});

const STEPS = 30;
const STEP_MS = 30_000;

/** Replies that come when the test says so: each calls a tool, and the last one ends the run. */
class Stepped {
  readonly clock = new FakeClock();
  readonly thread: FakeThread;
  #next = Promise.withResolvers<void>();

  constructor() {
    const step =
      (reply: Reply): Reply =>
      async (...asked) => {
        await this.#next.promise;
        return reply(...asked);
      };
    const replies = Array.from({ length: STEPS }, (_, place) =>
      step(call({ id: `call_${place}`, name: "look", input: { at: place } })),
    );
    this.thread = new FakeThread({ replies: [...replies, step(say("done"))], tools: [look], clock: this.clock });
  }

  async begin(): Promise<void> {
    await this.thread.accept("hi", { invocation_id: "inv_a" });
    await this.pass(1_000);
  }

  async pass(ms: number): Promise<void> {
    await settle();
    this.clock.advance(ms);
    await settle();
  }

  /** The next reply comes, then the alarm. */
  async step(): Promise<void> {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve();
    await this.pass(STEP_MS);
    await this.thread.alarm();
    await settle();
  }

  get position() {
    return readPosition(this.thread.life.database.sql);
  }

  get sentRuns() {
    return this.thread.batches.flatMap(({ runs }) => runs);
  }
}

describe("a run of thirty steps in a quarter of an hour", () => {
  it("sends each message, and its row with its start, one sign of life and its end alone", async () => {
    const stepped = new Stepped();
    await stepped.begin();
    for (let step = 0; step < STEPS; step++) await stepped.step();
    await stepped.step();
    const { thread, sentRuns } = stepped;
    const statuses = sentRuns.map(({ status }) => status);
    expect(statuses).toEqual(["running", "running", "completed"]);
    expect((STEPS * STEP_MS) / SIGN_MS).toBeLessThan(2);
    const seqs = thread.batches.flatMap(({ messages }) => messages.map(({ seq }) => seq));
    expect(seqs).toEqual(Array.from({ length: 2 * STEPS + 2 }, (_, place) => place + 1));
    expect(thread.life.outbox.backlog).toMatchObject({ pending: false, runs: 0, messages: 0 });
  });

  it("stores where D1 is with its end, and meanwhile only where a crash would repeat more than a batch", async () => {
    const stepped = new Stepped();
    const positions = new Set<number>();
    await stepped.begin();
    for (let step = 0; step < STEPS; step++) {
      await stepped.step();
      positions.add(stepped.position.message_seq);
      const sent = stepped.thread.batches.flatMap(({ messages }) => messages).length;
      expect(sent - stepped.position.message_seq).toBeLessThanOrEqual(54);
    }
    expect(positions.size).toBe(2);
    await stepped.step();
    expect(stepped.position).toMatchObject({ message_seq: 2 * STEPS + 2 });
  });

  it("is in D1 as it is for whoever reads the thread", async () => {
    const stepped = new Stepped();
    await stepped.begin();
    await stepped.step();
    await stepped.step();
    const { thread } = stepped;
    const usedSteps = () => stepped.sentRuns.at(-1)?.steps;
    expect([usedSteps(), thread.life.outbox.pending]).toEqual([0, false]);
    expect(await thread.life.outbox.syncWithin(3_000, { whole: true })).toBe(true);
    expect(usedSteps()).toBe(2);
    await thread.life.outbox.sync({ whole: true });
    expect(stepped.sentRuns.length).toBe(2);
  });

  it("is sent again by a life that follows, with the messages that the position does not know", async () => {
    const stepped = new Stepped();
    await stepped.begin();
    for (let step = 0; step < 3; step++) await stepped.step();
    const { thread } = stepped;
    const before = stepped.position.message_seq;
    thread.batches.splice(0);
    thread.crash();
    await thread.life.outbox.sync();
    const [batch] = thread.batches;
    expect(batch?.messages.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7].filter((seq) => seq > before));
    expect(batch?.runs).toMatchObject([{ invocation_id: "inv_a", status: "running", steps: 3 }]);
    expect(thread.batches.flatMap(({ runs }) => runs).some(({ status }) => isTerminal(status))).toBe(false);
  });
});
