// The quota of stored bytes: what counts, and what is refused where they are too many.
import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { measureBytes } from "../../src/store/quotas/stock.ts";
import type { Client } from "./http-client.ts";
import { addUserWith, stockClient } from "./stock-client.ts";

let app: Client;
beforeEach(() => {
  // Another isolate: it remembers nothing.
  app = stockClient(env.DB);
});

const userWith = (user_id: string, quotas: Record<string, number>) => addUserWith(app, user_id, quotas);

describe("stored bytes", () => {
  it("are those of messages, receipts and all versions of agents, however many rows they have", async () => {
    const user_id = "user_bytes";
    await env.DB.prepare(
      `INSERT INTO messages (user_id, thread_id, seq, message_id, project_id, agent_id, type, is_llm_message, version, created_at, size, metadata, content)
       WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 12344)
       SELECT ?1, iif(i < 6000, 'a', 'a-b'), i, i, 'p', 'a', 'user', 1, 1, '', 10, '{}', '{}' FROM n`,
    )
      .bind(user_id)
      .run();
    const config = JSON.stringify({ instructions: "é".repeat(50) });
    await env.DB.prepare("INSERT INTO agent_versions VALUES (?1, 'a', 1, 'A', '', ?2), (?1, 'a', 2, 'A', '', ?2)")
      .bind(user_id, config)
      .run();
    await env.DB.prepare("INSERT INTO receipts VALUES (?1, 'a', 1, 'r', null, 't', '', 7000, '{}')")
      .bind(user_id)
      .run();
    const bytes = new TextEncoder().encode(config).length;
    expect(await measureBytes(env.DB, user_id)).toBe(123_450 + 2 * bytes + 7_000);
    expect(await measureBytes(env.DB, "user_none")).toBe(0);
  });

  it("end new runs and changes of agents where they are too many, and not what only reads", async () => {
    const client = await userWith("user_full", { stored_bytes: 1_000 });
    const run = (message: string) => client.send("POST", "/v1/threads/t/runs", { message });
    expect((await run("x".repeat(2_000))).status).toBe(202);
    // It was measured after the first answer, and has what was sent since.
    await run("y".repeat(2_000));
    const { asked } = client.threads;
    const before = asked.length;
    expect(await run("z")).toMatchObject({ status: 409, body: { code: "quota_exceeded" } });
    expect((await client.send("PATCH", "/v1/agents/agent_default", { max_steps: 4 })).body.code).toBe("quota_exceeded");
    expect(asked).toHaveLength(before);
    expect((await client.send("GET", "/v1/threads")).status).toBe(200);
  });
});
