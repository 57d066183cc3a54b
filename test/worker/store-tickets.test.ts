// One-use tickets, in the real local database.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createTicket, type Ticket, takeTicket } from "../../src/store/tickets.ts";
import { createClient } from "./http-client.ts";

const noon = "2026-11-24T12:00:00.000Z";
const later = "2026-11-24T12:01:00.000Z";

const make = (user_id: string, hash: string, expires_at = later): Ticket => ({
  user_id,
  hash,
  project_id: "shop",
  expires_at,
  details: { session: "main" },
});

const countOf = async (user_id: string) =>
  (await env.DB.prepare("SELECT hash FROM tickets WHERE user_id = ?").bind(user_id).all()).results.length;

describe("a ticket", () => {
  it("is given to one of many concurrent bearers", async () => {
    await createTicket(env.DB, make("ada", "hash-1"), noon);
    const taken = await Promise.all(Array.from({ length: 8 }, () => takeTicket(env.DB, "hash-1", noon)));
    expect(taken.filter(Boolean)).toEqual([make("ada", "hash-1")]);
    expect(await takeTicket(env.DB, "hash-1", noon)).toBeNull();
  });

  it("opens nothing after it has expired, and is deleted", async () => {
    await createTicket(env.DB, make("bob", "hash-2"), noon);
    expect(await takeTicket(env.DB, "hash-2", later)).toBeNull();
    expect(await countOf("bob")).toBe(0);
  });

  it("deletes its user's expired tickets when it is made, and nobody else's", async () => {
    await createTicket(env.DB, make("eve", "hash-3", noon), noon);
    await createTicket(env.DB, make("fay", "hash-4", noon), noon);
    await createTicket(env.DB, make("eve", "hash-5"), later);
    expect([await countOf("eve"), await countOf("fay")]).toEqual([1, 1]);
    expect(await takeTicket(env.DB, "hash-3", "2026-11-24T11:00:00.000Z")).toBeNull();
  });

  it("is returned to its requester and stored as a hash", async () => {
    const client = createClient();
    await client.send("POST", "/v1/projects", { project_id: "ticket-project", name: "x" });
    const { status, body, headers } = await client.send("POST", "/v1/projects/ticket-project/sandbox/terminal", {});
    expect(status).toBe(201);
    expect(headers.get("cache-control")).toBe("no-store");
    const url = new URL(String(body.url));
    expect(url.protocol).toBe("ws:");
    const { results } = await env.DB.prepare("SELECT * FROM tickets WHERE project_id = 'ticket-project'").all();
    expect(results).toHaveLength(1);
    expect(JSON.stringify(results)).not.toContain(url.searchParams.get("ticket"));
    expect(JSON.parse(String(results[0]?.details))).toEqual({
      purpose: "terminal",
      key_id: "admin_key",
      session: "main",
      cols: 80,
      rows: 24,
    });
  });
});
