// Readers that are slower than their thread, dead readers, and too many readers.
import { describe, expect, it } from "vitest";
import { parseFrames } from "../../../test/fakes/conversation.ts";
import { LinkSink } from "../../../test/fakes/link.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { type Reply, reply, say } from "../../../test/fakes/replies.ts";
import { Stage, typesOf } from "../../../test/fakes/stage.ts";
import { FakeClock, FakeSink, settle } from "../../../test/fakes/stream.ts";
import type { ReadFrame } from "../../../test/fakes/stream-reader.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { Transcript } from "../../../test/fakes/transcript.ts";
import { rememberedBytes } from "./memory/text-pieces.ts";
import { planStream } from "./streams.ts";

const run = { invocation_id: "inv_a" };
const TICK_MS = 50;

interface Flood {
  /** Pieces for each tick, and their length. One piece of 20,000 is 400,000 characters a second. */
  pieces: number;
  length: number;
  /** Ticks for each message, and the number of messages. */
  ticks: number;
  steps: number;
}

/** Sends one message of a flood, then calls a tool if more messages follow. */
function flood(clock: FakeClock, { pieces, length, ticks, steps }: Flood, step: number): Reply {
  return async (_request, onDelta) => {
    let text = "";
    for (let tick = 0; tick < ticks; tick++) {
      for (let count = 0; count < pieces; count++) {
        const piece = `${step}.${tick} `.padEnd(length, "词x");
        onDelta({ type: "text", text: piece });
        text += piece;
      }
      await new Promise<void>((resolve) => clock.setTimer(resolve, TICK_MS));
    }
    if (step === steps - 1) return reply({ text });
    const called = { name: "next", arguments: JSON.stringify({ step }) };
    onDelta({ type: "tool_call", index: 0, id: `call_${step}`, name: called.name });
    onDelta({ type: "tool_arguments", index: 0, text: called.arguments });
    const tool_calls = [{ id: `call_${step}`, type: "function" as const, function: called }];
    return reply({ text, tool_calls, finish: "tool_calls" });
  };
}

/** A thread of 5 MB whose next run floods its readers. */
async function largeThread(plan: Flood) {
  const clock = new FakeClock();
  const thread = new FakeThread({ clock });
  for (let count = 0; count < 10; count++) {
    thread.replies.push(say(`${count} `.padEnd(500_000, "y")));
    await thread.accept("more", { invocation_id: `inv_${count}` });
    for (let turn = 0; turn < 20; turn++) await settle();
    clock.advance(100);
  }
  for (let step = 0; step < plan.steps; step++) thread.replies.push(flood(clock, plan, step));
  await thread.accept("flood", run);
  return { clock, thread };
}

/** A client of the run that has lost its position, and comes back with its last id whenever it is cut. */
class SlowClient {
  readonly connections: LinkSink[] = [];
  frames: ReadFrame[] = [];
  readonly #thread: FakeThread;
  readonly #clock: FakeClock;
  readonly #bytesPerSecond: number;

  constructor(thread: FakeThread, clock: FakeClock, bytesPerSecond: number) {
    this.#thread = thread;
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#connect(1_000_000);
  }

  get isDone(): boolean {
    const reader = this.connections.at(-1)?.reader;
    if (reader?.ended === "aborted") {
      this.#note();
      this.#connect(this.frames.findLast(({ id }) => id !== null)?.id ?? 1_000_000);
    }
    return reader?.ended === "closed";
  }

  /** The events that it has at the end. */
  get held(): Transcript {
    this.#note();
    return new Transcript().applyAll(this.frames.map(({ event }) => event));
  }

  /** A resync replaces everything before it. Events after the last number are sent again. */
  #note(): void {
    const { frames } = this.connections.at(-1)?.reader ?? { frames: [] };
    const [first] = frames;
    const resync = first?.event.type === "RUN_STARTED" && first.event.metadata?.resync === true;
    if (frames.some(({ id }) => id !== null)) this.frames = resync ? frames : [...this.frames, ...frames];
  }

  #connect(after: number): void {
    const sink = new LinkSink(this.#clock, this.#bytesPerSecond);
    const plan = planStream(this.#thread.life, { ...run, after, resync: false });
    if (!plan.ok || plan.value.kind !== "follow") throw new Error("there is a stream to follow");
    this.connections.push(sink);
    this.#thread.life.readers.add(sink, plan.value.request);
  }
}

describe("a reader that has lost its position in a thread of 5 MB, while a run floods", () => {
  const brisk = { pieces: 1, length: 20_000, ticks: 75, steps: 6 };
  // Its messages are larger than a snapshot, so the first one says nothing about the reader's pace.
  const wild = { pieces: 5, length: 20_000, ticks: 14, steps: 4 };
  // A token's frame is a dozen times as long as its text, so this reader could keep up with rows.
  const tokens = { pieces: 2000, length: 10, ticks: 40, steps: 4 };
  for (const [name, bytesPerSecond, plan, cuts] of [
    ["of 2.5 MB/s, in a run of tokens,", 2_500_000, tokens, 0],
    ["of 400 kB/s, in a wild run,", 400_000, wild, 1],
    ["of 200 kB/s", 200_000, brisk, 0],
    ["of 20 kB/s", 20_000, brisk, 0],
  ] as const) {
    it(`${name} comes to the end with the whole conversation, and is not cut again and again`, async () => {
      const { clock, thread } = await largeThread(plan);
      for (let tick = 0; tick < 20; tick++) {
        await settle();
        clock.advance(TICK_MS);
      }
      const client = new SlowClient(thread, clock, bytesPerSecond);
      let ticks = 0;
      for (; !client.isDone && ticks < 40_000; ticks++) {
        clock.advance(TICK_MS);
        await settle();
      }
      expect(client.isDone).toBe(true);
      expect(client.connections.length - 1).toBe(cuts);
      const texts = [...client.held.messages.values()]
        .filter(({ role }) => role === "assistant")
        .map(({ text }) => text);
      const rows = thread.batches.flatMap(({ messages }) => messages);
      const stored = rowsOfType(rows, "assistant").map(({ content }) => content.content);
      expect(texts.length).toBeGreaterThan(0);
      expect(texts.every((text, index) => text === stored.at(index - texts.length))).toBe(true);
    }, 120_000);
  }
});

describe("a reader of 500 kB/s that comes back in the middle of a long text of tokens", () => {
  it("is cut once, and then gets the text when it is whole", async () => {
    const clock = new FakeClock();
    const tokens = { pieces: 2000, length: 10, ticks: 100, steps: 1 };
    const thread = new FakeThread({ clock, replies: [flood(clock, tokens, 0)] });
    await thread.accept("flood", run);
    const pass = async () => {
      clock.advance(TICK_MS);
      await settle();
    };
    for (let tick = 0; tick < 20; tick++) await pass();
    const client = new SlowClient(thread, clock, 500_000);
    for (let tick = 0; !client.isDone && tick < 4_000; tick++) await pass();
    expect(client.isDone).toBe(true);
    expect(client.connections.length).toBe(2);
    const answer = [...client.held.messages.values()].at(-1);
    expect(answer?.text.length).toBe(2_000_000);
  });
});

describe("a reader that comes after one was cut for being behind", () => {
  const piece = "x".repeat(1024);
  /** A thread whose only reader was cut during a flood. */
  async function strained() {
    const stage = new Stage();
    const { clock, journal, readers, add, fact } = stage;
    const slow = add(true, { after: fact() });
    stage.open("a");
    await settle();
    slow.take();
    for (let count = 0; count < 2000 && slow.isOpen; count++) {
      await settle();
      clock.advance(20);
      journal.addDelta("a", piece);
    }
    expect([slow.aborted !== null, readers.count]).toEqual([true, 0]);
    const seen = async (): Promise<FakeSink> => {
      const sink = add(false, { after: journal.released, bare: true });
      await settle();
      return sink;
    };
    return { ...stage, seen };
  }

  it("gets open parts at once if the thread was calm meanwhile, even without readers", async () => {
    const { clock, journal, seen } = await strained();
    for (let second = 0; second < 15; second++) {
      clock.advance(1000);
      journal.addDelta("a", "word ");
    }
    expect(typesOf((await seen()).text)).toEqual(["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT"]);
  });

  it("gets open parts after the thread was calm for ten seconds, if it was not calm meanwhile", async () => {
    const { clock, journal, seen } = await strained();
    for (let second = 0; second < 15; second++) {
      clock.advance(1000);
      for (let count = 0; count < 10; count++) journal.addDelta("a", piece);
    }
    const sink = await seen();
    expect(typesOf(sink.text)).toEqual([]);
    clock.advance(10_000);
    await settle();
    expect(typesOf(sink.text)).toEqual(["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT"]);
  });
});

describe("a reader that takes a long open text while memory drops what follows it", () => {
  it("is cut, and gets nothing past the gap", async () => {
    const { journal, add, fact, open } = new Stage();
    const after = fact();
    open("a");
    journal.addDelta("a", "x".repeat(400_000));
    journal.log.forget(journal.newest);
    const slow = add(true, { after, bare: true });
    while (!slow.text.includes("xxx")) {
      slow.take();
      await settle();
    }
    journal.addDelta("a", "the gap");
    journal.log.forget(journal.newest);
    journal.addDelta("a", "what follows");
    while (slow.isBusy) {
      slow.take();
      await settle();
    }
    expect(slow.aborted).not.toBeNull();
    expect(slow.text).toContain('xxx"}');
    expect(slow.text).not.toContain("what follows");
  });
});

describe("five hundred readers that come for a resync and take nothing", () => {
  it("hold one write each and no more of the snapshot, and the next reader is refused", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ clock });
    for (let count = 0; count < 3; count++) {
      thread.replies.push(say(`${count} `.padEnd(400_000, "z")));
      await thread.run("more", { invocation_id: `inv_${count}` });
    }
    const request = { invocation_id: null, after: 1_000_000, resync: false };
    const sinks = Array.from({ length: 500 }, () => new FakeSink({ paced: true }));
    for (const sink of sinks) {
      const plan = planStream(thread.life, request);
      if (!plan.ok || plan.value.kind !== "follow") throw new Error("there is a stream to follow");
      thread.life.readers.add(sink, plan.value.request);
    }
    for (const sink of sinks) expect(sink.bytes[0]?.byteLength).toBeLessThan(100_000);
    expect(rememberedBytes()).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(planStream(thread.life, request)).toMatchObject({ ok: false, error: { code: "rate_limited" } });
    const [first] = sinks;
    // Together they hold so much that writes are small.
    for (let count = 0; count < 400; count++) {
      first?.take();
      await settle();
    }
    const [snapshot] = parseFrames(first?.text ?? "").map(({ event }) => event);
    expect(snapshot?.type === "MESSAGES_SNAPSHOT" && snapshot.messages.map(({ content }) => content?.length)).toEqual([
      4, 400_000, 4, 400_000,
    ]);
    first?.leave();
    await settle();
    clock.advance(10_000);
    await settle();
    expect(planStream(thread.life, request).ok).toBe(true);
    thread.life.readers.cutAll("over");
  });
});

describe("a reader that takes nothing", () => {
  it("is cut after ten minutes, and leaves no timer behind", async () => {
    const { clock, readers, add, fact } = new Stage();
    const dead = add(true);
    fact();
    await settle();
    clock.advance(590_000);
    expect(dead.isOpen).toBe(true);
    clock.advance(20_000);
    await settle();
    expect(dead.aborted).toContain("resume with the last id");
    expect([readers.count, clock.timers]).toEqual([0, 0]);
  });

  it("of the last bytes of its stream is cut after ten minutes too, and counts as a reader until then", async () => {
    const { clock, readers, fact } = new Stage();
    const end = fact();
    const sink = new FakeSink();
    let aborted = 0;
    sink.close = () =>
      new Promise((_resolve, reject) => {
        sink.abort = async (reason) => {
          aborted += 1;
          reject(new Error(reason));
        };
      });
    readers.add(sink, { after: 0, opening: [], end: () => end, idles: false });
    await settle();
    expect([readers.count, clock.timers]).toEqual([0, 1]);
    clock.advance(590_000);
    expect(aborted).toBe(0);
    clock.advance(20_000);
    await settle();
    expect([aborted, clock.timers]).toEqual([1, 0]);
  });
});
