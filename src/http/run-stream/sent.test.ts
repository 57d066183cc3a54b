// What is tracked of a run's stream, for every byte at which it may be cut. AG-UI's own verifier accepts the end events
// that follow, and a resync after them.
import { verifyEvents } from "@ag-ui/client";
import type { BaseEvent } from "@ag-ui/core";
import { from, lastValueFrom, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { parseFrames } from "../../../test/fakes/conversation.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { frameOf } from "../../thread/stream/journal/journal.ts";
import { FrameCutter } from "./frames.ts";
import { SentEvents } from "./sent.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Numbers in [0, limit), the same for a seed each time. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed + 1;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

interface Shape {
  id: string;
  startEvents: ThreadEvent[];
  content: ThreadEvent;
  endEvents: ThreadEvent[];
}

const names = ["a", 'quo"te', "back\\slash", "名前", "🛒", "line\nbreak", "RUN_FINISHED"];

function shapeOf(kind: number, id: string): Shape {
  const text = `${id} data: {"type":"RUN_FINISHED"} 商店\n\n`;
  if (kind === 0) {
    return {
      id,
      startEvents: [{ type: "TEXT_MESSAGE_START", messageId: id, role: "assistant" }],
      content: { type: "TEXT_MESSAGE_CONTENT", messageId: id, delta: text },
      endEvents: [{ type: "TEXT_MESSAGE_END", messageId: id }],
    };
  }
  if (kind === 1) {
    return {
      id,
      startEvents: [
        { type: "REASONING_START", messageId: id },
        { type: "REASONING_MESSAGE_START", messageId: id, role: "reasoning" },
      ],
      content: { type: "REASONING_MESSAGE_CONTENT", messageId: id, delta: text },
      endEvents: [
        { type: "REASONING_MESSAGE_END", messageId: id },
        { type: "REASONING_END", messageId: id },
      ],
    };
  }
  if (kind === 2) {
    return {
      id,
      startEvents: [{ type: "TOOL_CALL_START", toolCallId: id, toolCallName: "x" }],
      content: { type: "TOOL_CALL_ARGS", toolCallId: id, delta: text },
      endEvents: [{ type: "TOOL_CALL_END", toolCallId: id }],
    };
  }
  return {
    id,
    startEvents: [{ type: "STEP_STARTED", stepName: id }],
    content: { type: "CUSTOM", name: "sandbox", value: { state: "started", message: text } },
    endEvents: [{ type: "STEP_FINISHED", stepName: id }],
  };
}

const start: ThreadEvent & { type: "RUN_STARTED" } = { type: "RUN_STARTED", threadId: "t", runId: "r" };
const end: ThreadEvent = { type: "RUN_FINISHED", threadId: "t", runId: "r", outcome: { type: "success" } };
const state: ThreadEvent = {
  type: "STATE_SNAPSHOT",
  snapshot: { plan: { version: 0, sections: [] }, sandbox: { state: "none", previews: [] } },
};

/** A valid run: parts and steps that overlap as they like. */
function randomRun(random: (limit: number) => number): ThreadEvent[] {
  const events: ThreadEvent[] = [start, state];
  const open: Shape[] = [];
  const used = new Set<string>();
  for (let count = 0; count < 12; count++) {
    const shape = shapeOf(random(4), `${names[random(names.length)]}${random(3)}`);
    const isFree = ![...used].includes(`${shape.startEvents[0]?.type} ${shape.id}`);
    if (isFree && random(2) === 0) {
      used.add(`${shape.startEvents[0]?.type} ${shape.id}`);
      open.push(shape);
      events.push(...shape.startEvents);
    } else if (open.length > 0 && random(3) > 0) events.push((open[random(open.length)] as Shape).content);
    else events.push(...(open.splice(random(open.length), 1)[0]?.endEvents ?? []));
  }
  for (const shape of open.reverse()) events.push(...shape.endEvents);
  return [...events, end];
}

function framesOf(events: ThreadEvent[]): Uint8Array {
  const frames = events.map((event, index) => frameOf(index % 3 === 0 ? null : index, event));
  return encoder.encode(`retry: 1000\n${frames.join(": ping\n")}`);
}

/** Returns what the client is sent of a stream. */
function sendOn(sent: SentEvents, bytes: Uint8Array): string {
  const cutter = new FrameCutter(
    (frame, whole) => sent.track(frame, whole),
    (chunk, at) => sent.isDelta(chunk, at),
  );
  return cutter
    .push(bytes)
    .map((piece) => decoder.decode(piece))
    .join("");
}

async function verify(text: string): Promise<ThreadEvent[]> {
  const events = parseFrames(text).map(({ event }) => event);
  await lastValueFrom(from(events as unknown as BaseEvent[]).pipe(verifyEvents(false), toArray()));
  return events;
}

/** What the next life sends: everything that a random part of a run has open, opened again, and the run's end. */
function randomResync(random: (limit: number) => number): ThreadEvent[] {
  const [, , ...rest] = randomRun(random);
  const resync = { ...start, metadata: { resync: true as const } };
  return [resync, { type: "MESSAGES_SNAPSHOT", messages: [] }, state, ...rest];
}

describe("a stream that is cut at any byte and continues with a resync", () => {
  it("passes AG-UI's verifier, with one start and one end", async () => {
    for (let seed = 0; seed < 4; seed++) {
      const random = randomOf(seed);
      const first = framesOf(randomRun(random));
      const second = framesOf(randomResync(random));
      for (let cut = 0; cut <= first.length; cut++) {
        const sent = new SentEvents();
        const before = sendOn(sent, first.subarray(0, cut));
        const ends = sent.endAll();
        const events = await verify(before + ends + (sent.ended ? "" : sendOn(sent, second)));
        const types = events.map(({ type }) => type);
        expect([types[0], types.at(-1)]).toEqual(["RUN_STARTED", "RUN_FINISHED"]);
        expect(types.filter((type) => type === "RUN_STARTED" || type === "RUN_FINISHED").length).toBe(2);
      }
    }
  });

  it("closes all that was open at the cut, and nothing else", async () => {
    const random = randomOf(99);
    const events = randomRun(random);
    for (let count = 2; count < events.length; count++) {
      const sent = new SentEvents();
      sendOn(sent, framesOf(events.slice(0, count)));
      const ends = sent.endAll();
      const whole = [...events.slice(0, count), ...parseFrames(ends).map(({ event }) => event), end];
      await verify(whole.map((event) => frameOf(null, event)).join(""));
      expect(sent.endAll()).toBe("");
    }
  });
});

describe("SentEvents", () => {
  it("sends on each comment at once", () => {
    const sent = new SentEvents();
    expect(sendOn(sent, encoder.encode(": ping\n: ping\n"))).toBe(": ping\n: ping\n");
    const frames = framesOf([start, state, end]);
    expect(sendOn(sent, frames)).toBe(decoder.decode(frames));
  });

  it("closes open parts from the inside out", () => {
    const sent = new SentEvents();
    sendOn(sent, framesOf([shapeOf(3, "task").startEvents, shapeOf(1, "m").startEvents].flat()));
    const ends = parseFrames(sent.endAll());
    const expected = [shapeOf(1, "m").endEvents, shapeOf(3, "task").endEvents].flat();
    expect(ends).toEqual(expected.map((event) => ({ seq: null, event })));
  });

  it("drops a second retry line, a second start, and everything after the end", () => {
    const sent = new SentEvents();
    const bytes = framesOf([start, end]);
    expect(sendOn(sent, bytes)).toBe(decoder.decode(bytes));
    expect(sendOn(sent, bytes)).toBe("");
  });

  it("takes exactly the deltas for such, with and without a number, wherever they are, and none after the end", () => {
    const sent = new SentEvents();
    const before = encoder.encode("id: 4\ndata: {}\n\n");
    const isDelta = (event: ThreadEvent, seq: number | null) =>
      sent.isDelta(new Uint8Array([...before, ...encoder.encode(frameOf(seq, event))]), before.length);
    const shapes = [0, 1, 2, 3].map((kind) => shapeOf(kind, "m"));
    const others = [start, ...shapes.flatMap(({ startEvents, endEvents }) => [...startEvents, ...endEvents])];
    for (const seq of [null, 7]) {
      expect(shapes.map(({ content }) => isDelta(content, seq))).toEqual([true, true, true, false]);
      expect(others.filter((event) => isDelta(event, seq))).toEqual([]);
    }
    sent.track(encoder.encode(frameOf(9, end)), true);
    expect(isDelta(shapeOf(0, "late").content, 10)).toBe(false);
  });

  it("does not know what is open once a frame that opens something is too large to parse", () => {
    const sent = new SentEvents();
    sent.track(encoder.encode(frameOf(1, start)), false);
    expect(sent.isTracked).toBe(true);
    sent.track(encoder.encode(frameOf(2, { type: "STEP_STARTED", stepName: "x".repeat(100) })), false);
    expect(sent.isTracked).toBe(false);
  });

  it("drops results of the client's own tools, long ones too, and passes all other results", () => {
    const sent = new SentEvents([{ message_id: "m_1", tool_call_id: 'c"1' }]);
    const track = (messageId: string, toolCallId: string, id: number | null, whole = true): boolean => {
      const event: ThreadEvent = { type: "TOOL_CALL_RESULT", messageId, toolCallId, content: "red", role: "tool" };
      return sent.track(encoder.encode(frameOf(id, event)), whole);
    };
    expect([track("m_1", 'c"1', 7), track("m_1", 'c"1', null), track("m_1", 'c"1', 8, false)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([track("m_1", 'c"12', 9), track("m_2", 'c"1', 10), track("m_12", 'c"1', 11)]).toEqual([true, true, true]);
  });
});
