// Random threads with clients that are cut anywhere and come back: at the end they have the stored conversation.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyScript, type Step } from "../../../test/fakes/any-script.ts";
import { parseFrames } from "../../../test/fakes/conversation.ts";
import { type ClientPlan, ScriptedClient } from "../../../test/fakes/scripted-client.ts";
import { ScriptedThread } from "../../../test/fakes/scripted-thread.ts";
import { FakeSink, settle } from "../../../test/fakes/stream.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import type { Limits } from "./shared.ts";

const anyClient: fc.Arbitrary<ClientPlan> = fc.record({
  cuts: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 12 }),
  away: fc.nat(6),
  pace: fc.nat(3),
});
const anyClients = fc.array(anyClient, { minLength: 1, maxLength: 4 });

/** Seconds, and several times as many beside other work. */
const patient = { timeout: 120_000 };

// So small that a few frames fill a write, and a few writes leave a reader behind.
const tight = { write: 150, slow: 400, lag: 1500 };

async function play(script: Step[], plans: ClientPlan[], limits?: Limits) {
  const thread = new ScriptedThread(limits);
  const clients = plans.map((plan) => new ScriptedClient(thread, plan));
  for (const step of script) {
    thread.perform(step);
    await settle();
    for (const client of clients) client.live();
  }
  thread.finish();
  for (let round = 0; round < 40; round++) {
    for (const client of clients) client.hurry();
    await settle();
    thread.clock.advance(20);
  }
  expect(clients.flatMap(({ problems }) => problems)).toEqual([]);
  return { thread, clients };
}

function textsOf(client: ScriptedClient): Map<string, string> {
  return new Map([...client.conversation.parts].map(([id, { text }]) => [id, text]));
}

describe("a client that is cut at any frame and comes back", () => {
  it("gets exactly what an undisturbed one gets while memory holds", async () => {
    await fc.assert(
      fc.asyncProperty(anyScript({ disasters: false }), anyClients, async (script, plans) => {
        const undisturbed: ClientPlan = { cuts: [], away: 0, pace: 0 };
        const { clients } = await play(script, [undisturbed, ...plans]);
        const [witness, ...others] = clients;
        expect(witness?.resyncs).toBe(0);
        for (const client of others) {
          expect(client.resyncs).toBe(0);
          expect(client.received).toEqual(witness?.received);
        }
      }),
      { numRuns: runCount(150) },
    );
  });

  it("ends in the same conversation after lost memory, crashes and retries, without a gap or a double", async () => {
    await fc.assert(
      fc.asyncProperty(anyScript({ disasters: true }), anyClients, async (script, plans) => {
        const { thread, clients } = await play(script, plans);
        for (const client of clients) {
          expect(textsOf(client)).toEqual(thread.stored);
          expect(client.conversation.results).toEqual(thread.results);
          expect(client.conversation.counter).toBe(thread.counter);
          expect(client.conversation.run).toBeNull();
          expect(client.unfair).toEqual([]);
        }
      }),
      { numRuns: runCount(400) },
    );
  });

  it("ends in the same conversation if it does not keep up and gets the missing text in pieces", patient, async () => {
    let resyncs = 0;
    await fc.assert(
      fc.asyncProperty(anyScript({ disasters: true }), anyClients, async (script, plans) => {
        const { thread, clients } = await play(script, plans, tight);
        for (const client of clients) {
          resyncs += client.resyncs;
          expect(textsOf(client)).toEqual(thread.stored);
          expect(client.conversation.results).toEqual(thread.results);
          expect(client.conversation.counter).toBe(thread.counter);
          expect(client.conversation.run).toBeNull();
        }
      }),
      // All of them in `npm test` too: what is counted below would vary too much in a few.
      { numRuns: 400 },
    );
    expect(resyncs).toBeGreaterThan(100);
  });

  it("gets a resync only if it has a partial part, a void one, or one that left memory", async () => {
    await fc.assert(
      fc.asyncProperty(anyScript({ disasters: true }), anyClients, async (script, plans) => {
        const { clients } = await play(script, plans);
        expect(clients.flatMap((client) => client.needless)).toEqual([]);
      }),
      { numRuns: runCount(200) },
    );
  });
});

describe("the replay of a finished run", () => {
  it("sends each part as START, one CONTENT, END, and is exact when it is cut anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(anyScript({ disasters: true }), fc.nat(1000), async (script, random) => {
        const { thread } = await play(script, []);
        thread.journal.log.forget(thread.journal.newest);
        for (const run of thread.runs) {
          const whole = await replay(thread, run.start - 1, run.end);
          expect(whole.map(({ event }) => event.type).slice(0, 1)).toEqual(["RUN_STARTED"]);
          expect(whole.at(-1)?.event.type).toBe("RUN_FINISHED");
          const cut = random % whole.length;
          const last = whole[cut]?.seq ?? 0;
          expect(thread.journal.replay.canResume(last)).toBe(true);
          expect(await replay(thread, last, run.end)).toEqual(whole.slice(cut + 1));
          expectOneContentEach(whole.map(({ event }) => event as { messageId?: string; type: string }));
        }
      }),
      { numRuns: runCount(150) },
    );
  });
});

function expectOneContentEach(events: { type: string; messageId?: string; toolCallId?: string }[]): void {
  const sent = new Set<string>();
  for (const { type, messageId, toolCallId } of events) {
    if (!type.endsWith("_CONTENT") && !type.endsWith("_ARGS")) continue;
    const id = toolCallId ?? messageId ?? "";
    expect(sent).not.toContain(id);
    sent.add(id);
  }
}

async function replay(thread: ScriptedThread, after: number, end: number) {
  const sink = new FakeSink();
  thread.readers.add(sink, { after, opening: [], end: () => end, idles: false });
  for (let turn = 0; sink.isOpen && turn < 1000; turn++) await settle();
  expect(sink.closed).toBe(true);
  const events = parseFrames(sink.text);
  let last = after;
  for (const { seq } of events) {
    expect(seq).toBeGreaterThan(last);
    last = seq ?? last;
  }
  return events;
}
