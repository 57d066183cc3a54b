// Users who are disabled or deleted, and an admin key that only administers, while streams of a thread are open.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { ADMIN_KEY_ID, FIRST_USER_ID, newId } from "../../src/protocol/ids.ts";
import { threadClient } from "./thread-client.ts";
import { addKey, PROMISED_MS, run, stalled, watch } from "./watched-streams.ts";

describe.concurrent("a thread's streams", () => {
  it.each(["disabled_at", "deleted_at"])(
    "end all for the user who has %s",
    async (column) => {
      const client = await stalled();
      const streams = await Promise.all([
        watch(client, await addKey(client.key.user_id)),
        watch(client, await addKey(client.key.user_id)),
      ]);
      // A thread that D1 has not heard of erases itself when its owner is deleted. This one has its keys looked at.
      expect(await client.stub.sync(client.key)).toEqual({ ok: true, value: true });
      const ended_at = Date.now();
      await env.DB.prepare(`INSERT INTO users (user_id, created_at, ${column}) VALUES (?, '', '2026-01-01')`)
        .bind(client.key.user_id)
        .run();
      for (const { ended } of streams) expect((await ended) - ended_at).toBeLessThan(PROMISED_MS);
      expect(streams.map(({ seen }) => seen.ended)).toEqual(["cut", "cut"]);
      await client.stub.cancel(client.key, "inv_a");
    },
    30_000,
  );

  it("end for the admin key once the first user has a key of its own", async () => {
    const client = threadClient(FIRST_USER_ID, newId("thread"));
    await client.stub.accept(client.input("[[stall after 1]] [[say 2]]", run));
    const stream = await watch(client, ADMIN_KEY_ID);
    const own = await addKey(FIRST_USER_ID);
    const made_at = Date.now();
    const held = await watch(client, own);
    expect((await stream.ended) - made_at).toBeLessThan(PROMISED_MS);
    expect([stream.seen.ended, held.seen.ended]).toEqual(["cut", "open"]);
    await client.stub.cancel(client.key, "inv_a");
    await held.ended;
  });
});
