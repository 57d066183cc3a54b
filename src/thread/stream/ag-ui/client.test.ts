// What an AG-UI client gets of a run, on every way to it: its own ids, and no outcome that it can't parse. Other readers
// get events as they are stored.
import { describe, expect, it } from "vitest";
import { checkAgUi } from "../../../../test/fakes/ag-ui-schemas.ts";
import { call, say } from "../../../../test/fakes/replies.ts";
import type { FakeReader } from "../../../../test/fakes/stream-reader.ts";
import { FakeThread } from "../../../../test/fakes/thread.ts";
import type { ThreadEvent } from "../../../protocol/event.ts";
import { cancelRun } from "../../run/control.ts";
import { type AgUiClient, ClientEvents } from "./client.ts";

const client: AgUiClient = { thread_id: "app:chat/1", run_id: "run:1", is_versioned: true };
const run = { invocation_id: "inv_a" };
const sent = {
  ...run,
  sent_ids: [["inv_a", "run:1"] as [string, string], ["msg_of_inv_a", "user:1"] as [string, string]],
};

/** Ids of the thread, the run and the person's message, wherever they are. */
function idsIn(events: ThreadEvent[]): Set<string> {
  const found: string[] = [];
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, each] of Object.entries(value)) {
      if (["threadId", "runId"].includes(name)) found.push(String(each));
      look(each);
    }
    const { id, role } = value as { id?: string; role?: string };
    if (role === "user" && id !== undefined) found.push(id);
  };
  look(events);
  return new Set(found);
}

function expectSent(reader: FakeReader): void {
  const { events } = reader;
  for (const event of events) checkAgUi(event);
  expect(idsIn(events)).toEqual(new Set(["app:chat/1", "run:1", "user:1"]));
  expect(events[0]).toMatchObject({ metadata: { thread_id: "thread_1", invocation_id: "inv_a" } });
}

describe("an AG-UI client", () => {
  it("finds its ids in a run that it watches, and in a replay from memory", async () => {
    const thread = new FakeThread({ replies: [say("商店")] });
    await thread.accept("hi", sent);
    expectSent(await thread.read({ ...run, client }).untilClosed());
    const later = await thread.read({ ...run, client, after: 0 }).untilClosed();
    expectSent(later);
    expect(later.events.some(({ type }) => type === "TEXT_MESSAGE_CONTENT")).toBe(true);
  });

  it("finds them in a replay of rows, and in a resync, in this life and the next", async () => {
    const thread = new FakeThread({ replies: [say("x".repeat(200_000))] });
    await thread.run("y".repeat(200_000), sent);
    thread.life.journal.log.clear();
    for (const _life of [1, 2]) {
      expectSent(await thread.read({ ...run, client, after: 0 }).untilClosed());
      expectSent(await thread.read({ ...run, client, resync: true }).untilClosed());
      thread.crash();
    }
  });

  it("finds them in a run that ended before it started", async () => {
    const thread = new FakeThread({ replies: [say("one"), say("two")] });
    await thread.accept("first", { invocation_id: "inv_b", background: true });
    await thread.accept("hi", { ...sent, background: true });
    const waiting = thread.read({ ...run, client });
    await cancelRun(thread.life, "inv_a");
    for (const reader of [await waiting.untilClosed(), await thread.read({ ...run, client }).untilClosed()]) {
      expect(reader.events.map(({ type }) => type)).toEqual(["RUN_STARTED", "STATE_SNAPSHOT", "RUN_FINISHED"]);
      expect(idsIn(reader.events)).toEqual(new Set(["app:chat/1", "run:1"]));
    }
  });

  it("gets no outcome that its version can't parse", async () => {
    const thread = new FakeThread({ replies: [call({ id: "call_1", name: "pick", input: {} })] });
    const tools = [{ name: "pick", description: "Picks.", parameters: { type: "object" } }];
    await thread.run("hi", { ...sent, client_tools: tools });
    const outcomeOf = async (request: object) => {
      const { events } = await thread.read({ ...run, ...request }).untilClosed();
      return (events.at(-1) as { outcome?: unknown }).outcome;
    };
    const former = { ...client, is_versioned: false };
    for (const way of [{ after: 0 }, { resync: true }]) {
      expect(await outcomeOf(way)).toMatchObject({ type: "success", pendingToolCallIds: [expect.any(String)] });
      expect(await outcomeOf({ ...way, client })).toEqual(await outcomeOf(way));
      expect(await outcomeOf({ ...way, client: former })).toBeUndefined();
    }
  });

  it("is one run with its answer where both have one id, and one after the other where not", () => {
    const thread = new FakeThread({ replies: [] });
    const { sql } = thread.life.database;
    const start = (own: AgUiClient, invocation_id: string): ThreadEvent => {
      const ids = { threadId: "thread_1", runId: invocation_id, parentRunId: "run_1" };
      return new ClientEvents(sql, own, invocation_id).event({ type: "RUN_STARTED", ...ids }) as ThreadEvent;
    };
    const of = (run_id: string): AgUiClient => ({ thread_id: "thread_1", run_id, is_versioned: true });
    expect(start(of("run_2"), "run_2")).toEqual({
      ...{ type: "RUN_STARTED", threadId: "thread_1", runId: "run_2", parentRunId: "run_1" },
    });
    expect(start(of("run_1"), "inv_derived")).toEqual({
      ...{ type: "RUN_STARTED", threadId: "thread_1", runId: "run_1", metadata: { invocation_id: "inv_derived" } },
    });
  });
});

describe("any other reader", () => {
  it("gets our ids of the same run, beside such a client", async () => {
    const thread = new FakeThread({ replies: [say("商店")] });
    await thread.accept("hi", sent);
    const readers = [thread.read(run), thread.read({ ...run, client }), thread.read(run)];
    for (const reader of readers) await reader.untilClosed();
    const ours = new Set(["thread_1", "inv_a", "msg_of_inv_a"]);
    expect(readers.map(({ events }) => idsIn(events).has("inv_a"))).toEqual([true, false, true]);
    expect(idsIn(readers[0]?.events ?? [])).toEqual(ours);
    expect(readers[0]?.text).toBe(readers[2]?.text);
  });
});
