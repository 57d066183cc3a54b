// A client of a whole run that is cut after any frame and comes back: while the run works, after it, and in another
// life.
import { describe, expect, it } from "vitest";
import type { ReadFrame } from "../../test/fakes/stream-reader.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { Transcript } from "../../test/fakes/transcript.ts";
import { twoTaskModel, twoTaskTools } from "../../test/fakes/two-task-model.ts";

const run = { invocation_id: "inv_a" };

function makeThread(): FakeThread {
  return new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools() });
}

function fold(frames: ReadFrame[]): Transcript["value"] {
  return new Transcript().applyAll(frames.map(({ event }) => event)).value;
}

function isResync(frames: ReadFrame[]): boolean {
  const first = frames[0]?.event;
  return first?.type === "RUN_STARTED" && first.metadata?.resync === true;
}

function lastId(frames: ReadFrame[]): number | null {
  return frames.at(-1)?.id ?? null;
}

describe("a client that is cut after any frame of a run", () => {
  it("gets the identical sequence if it comes back at once, in the same life", async () => {
    const thread = makeThread();
    await thread.accept("build it", run);
    const witness = thread.read(run);
    const cutAt = Array.from({ length: 70 }, (_, index) => index + 1);
    const clients = cutAt.map(async (count) => {
      const first = await thread.read(run).until((reader) => reader.ended !== "open" || reader.frames.length >= count);
      const before = first.frames.slice(0, count);
      const second = await thread.read({ ...run, after: lastId(before) }).untilClosed();
      return [...before, ...second.frames];
    });
    const received = await Promise.all(clients);
    const { frames } = await witness.untilClosed();
    expect(frames.length).toBeGreaterThan(45);
    expect(frames.length).toBeLessThan(70);
    for (const each of received) expect(each).toEqual(frames);
  });

  for (const { when, crashes } of [
    { when: "after the run has ended", crashes: false },
    { when: "in another life", crashes: true },
  ]) {
    it(`ends in the same conversation if it comes back ${when}`, async () => {
      const thread = makeThread();
      const { frames } = await thread.run("build it", run);
      const whole = fold(frames);
      if (crashes) thread.crash();
      expect(thread.life.journal.log.memory).toBe(0);
      let resyncs = 0;
      for (let count = 0; count <= frames.length; count++) {
        const before = frames.slice(0, count);
        const { frames: after } = await thread.read({ ...run, after: lastId(before) }).untilClosed();
        if (isResync(after)) resyncs += 1;
        else expect(after.every(({ id }) => id !== null && id > (lastId(before) ?? 0))).toBe(true);
        expect(fold([...before, ...after])).toEqual(whole);
      }
      // Only a client that left in the middle of a part gets all of it again.
      expect(resyncs).toBeGreaterThan(0);
      expect(resyncs).toBeLessThan(frames.length / 2);
    });
  }

  it("reads each part as START, one CONTENT and END if it comes after the end", async () => {
    const thread = makeThread();
    const { frames } = await thread.run("build it", run);
    const replay = await thread.read(run).untilClosed();
    const starts = replay.frames.filter(({ event }) =>
      /^(TEXT_MESSAGE|REASONING_MESSAGE|TOOL_CALL)_START/.test(event.type),
    );
    const contents = replay.frames.filter(({ event }) => /_(CONTENT|ARGS)$/.test(event.type));
    expect(contents.length).toBe(starts.length);
    expect(frames.filter(({ event }) => /_(CONTENT|ARGS)$/.test(event.type)).length).toBeGreaterThan(starts.length);
    expect(fold(replay.frames)).toEqual(fold(frames));
  });
});

describe("a resync during a run", () => {
  it("can be requested after any frame and ends in the same conversation", async () => {
    const thread = makeThread();
    await thread.accept("build it", run);
    const witness = thread.read(run);
    const clients = Array.from({ length: 60 }, async (_, count) => {
      await thread.read(run).until((reader) => reader.ended !== "open" || reader.frames.length > count);
      return (await thread.read({ ...run, resync: true }).untilClosed()).frames;
    });
    const received = await Promise.all(clients);
    const whole = fold((await witness.untilClosed()).frames);
    for (const frames of received) {
      expect(isResync(frames)).toBe(true);
      expect(fold(frames)).toEqual(whole);
    }
  });
});
