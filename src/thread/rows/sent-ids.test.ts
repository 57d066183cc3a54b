// What clients call things beside their ids.
import { describe, expect, it, vi } from "vitest";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { ClientEvents } from "../stream/ag-ui/client.ts";
import { sentIdOf, storeSentIds } from "./sent-ids.ts";
import { hasTable } from "./tables.ts";

const texts = ["a\u0000b", '"\\\n', "🛒", "constructor", " "];

describe("the ids of a thread's clients", () => {
  it("are kept as they were sent, the first one of each", () => {
    const { sql } = new FakeThread({ replies: [] }).life.database;
    const ids = texts.map((_text, place) => `id_${place}`);
    storeSentIds(
      sql,
      new Set(ids),
      ids.map((id, place) => [id, texts[place] ?? ""]),
    );
    storeSentIds(
      sql,
      new Set(ids),
      ids.map((id) => [id, "later"]),
    );
    expect(ids.map((id) => sentIdOf(sql, id))).toEqual(texts);
    expect(["constructor", "other"].map((id) => sentIdOf(sql, id))).toEqual(["constructor", "other"]);
  });

  it("take no table without one, and are stored for what a run brings alone", async () => {
    const thread = new FakeThread({ replies: [say("one"), say("two")] });
    const { sql } = thread.life.database;
    await thread.run("hi", { invocation_id: "inv_a" });
    expect([hasTable(sql, "sent_ids"), sentIdOf(sql, "inv_a")]).toEqual([false, "inv_a"]);
    await thread.run("hi", {
      invocation_id: "inv_b",
      sent_ids: [
        ["inv_b", "run:b"],
        ["msg_of_inv_a", "known, and plain"],
        ["unknown", "of no message"],
      ],
    });
    const rows = sql.exec("SELECT id, sent FROM sent_ids").toArray();
    expect(rows).toEqual([{ id: "inv_b", sent: '"run:b"' }]);
    expect(JSON.stringify(sql.exec("SELECT input, run FROM runs").toArray())).not.toContain("run:b");
  });

  it("are found with one statement for a start event of many messages", () => {
    const { sql } = new FakeThread({ replies: [] }).life.database;
    const ids = Array.from({ length: 500 }, (_, place) => `id_${place}`);
    storeSentIds(sql, new Set(ids), [["id_7", "seven:7"]]);
    const exec = vi.spyOn(sql, "exec");
    const client = new ClientEvents(sql, { thread_id: "app:1", run_id: "run:1", is_versioned: true }, "inv_1");
    const messages = ids.map((id) => ({ id, role: "user" as const, content: "x" }));
    const input = { threadId: "thread_1", runId: "inv_1", state: {}, messages, tools: [], context: [] };
    const event = { type: "RUN_STARTED", threadId: "thread_1", runId: "inv_1", input } as unknown as ThreadEvent;
    const adapted = client.event(event) as { input?: { messages: { id: string }[] } };
    expect(adapted.input?.messages.map(({ id }) => id)).toEqual(ids.with(7, "seven:7"));
    expect(exec.mock.calls.filter(([query]) => query.includes("FROM sent_ids"))).toHaveLength(1);
  });
});
