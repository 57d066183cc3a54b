// The tables and statements of sources in the SQLite of workerd, which permits less than that of Node.
import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Source } from "../../src/agent/sources.ts";
import type { Sql } from "../../src/thread/rows/database.ts";
import { insertMessage } from "../../src/thread/rows/messages.ts";
import { hasTable, withLateTables } from "../../src/thread/rows/tables.ts";
import { isNamedInText } from "../../src/thread/run/named.ts";
import { keepResult } from "../../src/thread/run/results.ts";
import { findSources, storeSources } from "../../src/thread/run/sources.ts";
import { threadClient } from "./thread-client.ts";

const tea = "https://tea.example/history";
const source: Source = {
  n: 1,
  url: tea,
  title: "Tea",
  date: null,
  read: { at: "2026-11-27T10:00:00.000Z", hash: "ab" },
};

describe("the sources of a thread in workerd", () => {
  it("are stored and found, and name the addresses of their results", async () => {
    const client = threadClient();
    await client.post("hello", { invocation_id: "inv_a" }).then((response) => response.text());
    const stub = env.THREADS.get(env.THREADS.idFromName(`${client.key.user_id}/${client.key.thread_id}`));
    await runInDurableObject(stub as unknown as DurableObjectStub, (_instance, { storage }) => {
      const sql = withLateTables(storage.sql);
      expect(hasTable(sql, "sources")).toBe(false);
      storage.transactionSync(() =>
        storeSources(sql, [source, { ...source, n: 2, url: "https://b.example/", read: null }]),
      );
      expect(findSources(sql, [1, 2, 9])).toMatchObject([
        { url: tea, read: { hash: "ab" } },
        { n: 2, read: null },
      ]);
      const origin = { message_id: "msg_t", invocation_id: "inv_a", agent_id: null, created_at: "" };
      const seq = insertMessage(sql, {
        ...origin,
        ...{ type: "tool", is_llm_message: true, metadata: { is_error: false, sources: [1], names_until: 999 } },
        content: { role: "tool", tool_call_id: "c", content: "See https://c.example/x." },
      });
      keepResult(sql, seq, "c", "See https://d.example/y.");
      expect(
        ["https://c.example/x", "https://d.example/y", "https://c.example/"].map((url) => isNamedInText(sql, url)),
      ).toEqual([true, true, false]);
    });
  });

  it("go with their thread", async () => {
    const client = threadClient();
    await client.post("hello", { invocation_id: "inv_a" }).then((response) => response.text());
    const stub = env.THREADS.get(env.THREADS.idFromName(`${client.key.user_id}/${client.key.thread_id}`));
    const inObject = <T>(read: (sql: Sql) => T) =>
      runInDurableObject(stub as unknown as DurableObjectStub, (_instance, { storage }) =>
        read(withLateTables(storage.sql)),
      );
    await inObject((sql) => storeSources(sql, [source]));
    expect(await client.stub.remove(client.key, "req_1")).toEqual({ ok: true, value: null });
    expect(await inObject((sql) => hasTable(sql, "sources"))).toBe(false);
  });
});
