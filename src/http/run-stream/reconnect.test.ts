// One stream for the client over the streams of several lives: when it reconnects, when it aborts, what it never does.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ThreadEvent } from "../../protocol/event.ts";
import { frameOf } from "../../thread/stream/journal/journal.ts";
import { Problem } from "../errors.ts";
import { MAX_HELD_BYTES } from "./frames.ts";
import { followLives, type RunFollower } from "./reconnect.ts";

const encoder = new TextEncoder();

const start: ThreadEvent = { type: "RUN_STARTED", threadId: "t", runId: "r" };
const end: ThreadEvent = { type: "RUN_FINISHED", threadId: "t", runId: "r", outcome: { type: "success" } };
const opened: ThreadEvent = { type: "TEXT_MESSAGE_START", messageId: "m", role: "assistant" };
const ended: ThreadEvent = { type: "TEXT_MESSAGE_END", messageId: "m" };

function frames(...events: ThreadEvent[]): string {
  return events.map((event) => frameOf(null, event)).join("");
}

/** A life's stream, driven by the test. */
function openLife() {
  let life: ReadableStreamDefaultController<Uint8Array> | null = null;
  const state = { cancelled: false };
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      life = controller;
    },
    cancel: () => {
      state.cancelled = true;
    },
  });
  return {
    stream,
    state,
    say: (text: string) => life?.enqueue(encoder.encode(text)),
    close: () => life?.close(),
    crash: () => life?.error(new Error("the life ended")),
  };
}

type Life = ReturnType<typeof openLife>;

function clientOf(follower: RunFollower): ReadableStream<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void follower.pipeTo(writable);
  return readable;
}

/** A client that reads the stream. The test answers each attempt to reconnect. */
function followFrom(first: Life, answer: (attempt: number) => Life | Error) {
  let reconnects = 0;
  const next = async (): Promise<ReadableStream<Uint8Array>> => {
    const answered = answer(++reconnects);
    if (answered instanceof Error) throw answered;
    return answered.stream;
  };
  const reader = clientOf(followLives(first.stream, next, {}))
    .pipeThrough(new TextDecoderStream())
    .getReader();
  return {
    reconnects: () => reconnects,
    leave: () => reader.cancel(),
    read: async () => (await reader.read()).value,
    toEnd: async () => {
      let text = "";
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value;
      return text;
    },
  };
}

const unreachable = new Error("unreachable");

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Lets time pass while the client reads. */
async function withTime<T>(reading: Promise<T>): Promise<T> {
  let done = false;
  const settled = reading.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  void settled.then(() => {
    done = true;
  });
  while (!done) await vi.advanceTimersByTimeAsync(50);
  const outcome = await settled;
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

describe("followLives", () => {
  for (const way of ["crash", "close"] as const) {
    it(`reconnects at once if a life's stream ends without the end of its run (${way})`, async () => {
      const [first, second] = [openLife(), openLife()];
      const client = followFrom(first, () => second);
      first.say(frames(start, opened));
      expect(await client.read()).toBe(frames(start, opened));
      first[way]();
      second.say(frames(start, end));
      second.close();
      expect(await client.toEnd()).toBe(frames(ended, end));
      expect(client.reconnects()).toBe(1);
    });

    it(`ends cleanly if a life ends after the end of its run (${way})`, async () => {
      const first = openLife();
      const client = followFrom(first, () => unreachable);
      first.say(frames(start, end));
      expect(await client.read()).toBe(frames(start, end));
      first[way]();
      expect(await client.read()).toBeUndefined();
      expect(client.reconnects()).toBe(0);
    });
  }

  it("drops half a frame of the former life", async () => {
    const [first, second] = [openLife(), openLife()];
    const client = followFrom(first, () => second);
    first.say(`${frames(start)}id: 5\ndata: {"type":"STATE_`);
    expect(await client.read()).toBe(frames(start));
    first.crash();
    second.say(frames(start, end));
    second.close();
    expect(await client.toEnd()).toBe(frames(end));
  });

  it("sends pings while the object can't be reached, and continues when it can", async () => {
    const [first, second] = [openLife(), openLife()];
    const client = followFrom(first, (attempt) => (attempt < 5 ? unreachable : second));
    first.crash();
    second.say(frames(start, end));
    second.close();
    expect(await withTime(client.toEnd())).toBe(": ping\n".repeat(4) + frames(start, end));
  });

  it("aborts after a minute without the object", async () => {
    const first = openLife();
    const client = followFrom(first, () => unreachable);
    first.say(frames(start));
    first.crash();
    const begun = Date.now();
    await expect(withTime(client.toEnd())).rejects.toThrow("unreachable");
    expect(Date.now() - begun).toBeGreaterThan(60_000);
    expect(Date.now() - begun).toBeLessThan(70_000);
    expect(client.reconnects()).toBeLessThan(40);
  });

  it("aborts at once if the object has no such run", async () => {
    const first = openLife();
    const client = followFrom(first, () => new Problem("not_found", "There is no such run."));
    first.crash();
    await expect(client.toEnd()).rejects.toThrow("not_found");
    expect(client.reconnects()).toBe(1);
  });

  it("ends what is open and then with RUN_ERROR if the client's key no longer holds, without another attempt", async () => {
    const first = openLife();
    const client = followFrom(first, () => new Problem("unauthorized", "It no longer holds."));
    first.say(frames(start, opened));
    expect(await client.read()).toBe(frames(start, opened));
    first.crash();
    const refused: ThreadEvent = { type: "RUN_ERROR", message: "It no longer holds.", code: "unauthorized" };
    expect(await client.toEnd()).toBe(frames(ended, refused));
    expect([client.reconnects(), vi.getTimerCount()]).toEqual([1, 0]);
  });

  it("aborts after forty lives that end as soon as they begin", async () => {
    const client = followFrom(crashed(), crashed);
    await expect(withTime(client.toEnd())).rejects.toThrow("broke too often");
    expect(client.reconnects()).toBe(40);
    function crashed(): Life {
      const life = openLife();
      life.crash();
      return life;
    }
  });

  it("aborts if a life ends inside a frame of which a part was sent", async () => {
    const [first, second] = [openLife(), openLife()];
    const client = followFrom(first, () => second);
    first.say(`data: {"type":"MESSAGES_SNAPSHOT","messages":["${"x".repeat(MAX_HELD_BYTES)}`);
    expect((await client.read())?.length).toBeGreaterThan(MAX_HELD_BYTES);
    first.crash();
    await expect(client.read()).rejects.toThrow("within a frame");
    expect(client.reconnects()).toBe(0);
  });

  it("reconnects if a life sends nothing for 45 s, not even a ping", async () => {
    const [first, second] = [openLife(), openLife()];
    const client = followFrom(first, () => second);
    first.say(frames(start));
    expect(await client.read()).toBe(frames(start));
    const reading = client.toEnd();
    for (let count = 0; count < 20; count++) {
      await vi.advanceTimersByTimeAsync(10_000);
      first.say(": ping\n");
    }
    expect([client.reconnects(), first.state.cancelled]).toEqual([0, false]);
    second.say(frames(start, end));
    second.close();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(await reading).toBe(": ping\n".repeat(20) + frames(end));
    expect(first.state.cancelled).toBe(true);
  });

  it("stops waiting for an answer after 15 s, and cancels a stream that arrives later", async () => {
    const [first, late, second] = [openLife(), openLife(), openLife()];
    let answer: (stream: ReadableStream<Uint8Array>) => void = () => {};
    const answers = [new Promise<ReadableStream<Uint8Array>>((resolve) => (answer = resolve)), second.stream];
    const next = async () => (await answers.shift()) as ReadableStream<Uint8Array>;
    const stream = clientOf(followLives(first.stream, next, {}));
    first.crash();
    second.say(frames(start, end));
    second.close();
    const text = await withTime(new Response(stream).text());
    expect(text).toBe(`: ping\n${frames(start, end)}`);
    answer(late.stream);
    await vi.advanceTimersByTimeAsync(0);
    expect(late.state.cancelled).toBe(true);
  });

  it("reads nothing before its client asks for it", async () => {
    let pulls = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulls += 1;
          controller.enqueue(encoder.encode(": ping\n"));
        },
      },
      { highWaterMark: 0 },
    );
    const follower = followLives(source, () => Promise.reject(unreachable), {});
    await vi.advanceTimersByTimeAsync(1_000);
    expect(pulls).toBe(0);
    await follower.read();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(pulls).toBe(1);
    await follower.close();
  });

  describe("when its client disconnects", () => {
    afterEach(() => expect(console.error).not.toHaveBeenCalled());

    it("cancels the life's stream, and leaves no timer behind", async () => {
      const first = openLife();
      const client = followFrom(first, () => unreachable);
      first.say(frames(start));
      await client.read();
      await client.leave();
      await vi.advanceTimersByTimeAsync(0);
      expect([first.state.cancelled, vi.getTimerCount()]).toEqual([true, 0]);
    });

    it("cancels the current read too", async () => {
      const first = openLife();
      const client = followFrom(first, () => unreachable);
      const reading = client.read();
      await vi.advanceTimersByTimeAsync(1);
      await client.leave();
      expect([await reading, first.state.cancelled, vi.getTimerCount()]).toEqual([undefined, true, 0]);
    });

    it("stops reconnecting, and leaves no timer behind", async () => {
      const first = openLife();
      const client = followFrom(first, () => unreachable);
      first.crash();
      expect(await client.read()).toBe(": ping\n");
      await client.leave();
      await vi.advanceTimersByTimeAsync(60_000);
      expect([client.reconnects(), vi.getTimerCount()]).toEqual([1, 0]);
    });
  });

  it("leaves no timer behind, whether it ends or aborts", async () => {
    const [first, second] = [openLife(), openLife()];
    first.say(frames(start, end));
    first.close();
    await followFrom(first, () => unreachable).toEnd();
    second.crash();
    await expect(followFrom(second, () => new Problem("not_found", "")).toEnd()).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);
  });
});
