// Keys that end while streams of a thread are open, with real D1 and real objects; also when the object dies or D1 fails.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { newId } from "../../src/protocol/ids.ts";
import { deleteApiKey, findEndedKeys } from "../../src/store/api-keys.ts";
import { type Fault, killObject, withFaultyObject } from "./faulty-object.ts";
import { createClient } from "./http-client.ts";
import { threadClient } from "./thread-client.ts";
import { addKey, follow, PROMISED_MS, run, stalled, watch } from "./watched-streams.ts";

// These tests mostly wait: all at once.
vi.setConfig({ maxConcurrency: 10 });

describe("what D1 says of keys", () => {
  it("names those that the user does not have, of five hundred in one statement", async () => {
    const user_id = newId("user");
    const held = await Promise.all([addKey(user_id), addKey(user_id)]);
    const foreign = await addKey(newId("user"));
    const deleted = Array.from({ length: 497 }, () => newId("key"));
    const ended = await findEndedKeys(env.DB, user_id, [...held, foreign, ...deleted], Date.now());
    expect(ended.sort()).toEqual([foreign, ...deleted].sort());
    await deleteApiKey(env.DB, user_id, held[0] ?? "", Date.now());
    expect(await findEndedKeys(env.DB, user_id, held, Date.now())).toEqual([held[0]]);
    expect(await findEndedKeys(env.DB, user_id, [], Date.now())).toEqual([]);
  });

  it("names those that have expired by then", async () => {
    const user_id = newId("user");
    const at = Date.parse("2026-11-28T08:00:00.000Z");
    const keys = await Promise.all([null, at, at + 1].map((expires_at) => addKey(user_id, expires_at)));
    expect(await findEndedKeys(env.DB, user_id, keys, at - 1)).toEqual([]);
    expect(await findEndedKeys(env.DB, user_id, keys, at)).toEqual([keys[1]]);
    expect(await findEndedKeys(env.DB, user_id, keys, at + 1)).toEqual(keys.slice(1));
  });
});

describe.concurrent("a thread's streams of two keys", () => {
  it("end for the key that is deleted, and for nobody else", async () => {
    const client = await stalled();
    const [gone, held] = [await addKey(client.key.user_id), await addKey(client.key.user_id)];
    const streams = await Promise.all([watch(client, gone), watch(client, held), watch(client)]);
    await deleteApiKey(env.DB, client.key.user_id, gone, Date.now());
    const deleted_at = Date.now();
    expect((await (streams[0]?.ended ?? Date.now())) - deleted_at).toBeLessThan(PROMISED_MS);
    expect(streams.map(({ seen }) => seen.ended)).toEqual(["cut", "open", "open"]);
    await client.stub.cancel(client.key, "inv_a");
    await Promise.all(streams.map(({ ended }) => ended));
    expect(streams.map(({ seen }) => seen.text.includes('"type":"RUN_FINISHED"'))).toEqual([false, true, true]);
  }, 60_000);

  it("end in time for the key that expires, and for nobody else", async () => {
    const client = await stalled();
    const expires_at = Date.now() + 1_000;
    const [gone, held] = [
      await addKey(client.key.user_id, expires_at),
      await addKey(client.key.user_id, expires_at + 600_000),
    ];
    const streams = await Promise.all([watch(client, gone), watch(client, held)]);
    expect((await (streams[0]?.ended ?? Date.now())) - expires_at).toBeLessThan(PROMISED_MS);
    expect(streams.map(({ seen }) => seen.ended)).toEqual(["cut", "open"]);
    await client.stub.cancel(client.key, "inv_a");
    await streams[1]?.ended;
  }, 60_000);

  it("end in time for the key that is deleted where another isolate let it in ten seconds after that", async () => {
    const client = await stalled();
    const [gone, held] = [await addKey(client.key.user_id), await addKey(client.key.user_id)];
    await deleteApiKey(env.DB, client.key.user_id, gone, Date.now());
    const stays = await watch(client, held);
    const late = await watch(client, gone, 10_000);
    const opened_at = Date.now();
    expect((await late.ended) - opened_at).toBeLessThan(PROMISED_MS - 10_000);
    expect([late.seen.ended, stays.seen.ended]).toEqual(["cut", "open"]);
    await client.stub.cancel(client.key, "inv_a");
    await stays.ended;
  }, 60_000);

  it("end for the key that is deleted where the next life has taken its reader over", async () => {
    const client = await stalled();
    const [gone, held] = [await addKey(client.key.user_id), await addKey(client.key.user_id)];
    const before = await watch(client, gone);
    await killObject(client.key);
    await before.ended;
    await deleteApiKey(env.DB, client.key.user_id, gone, Date.now());
    const deleted_at = Date.now();
    // As a Worker asks that has not heard of it yet.
    const streams = await Promise.all([watch(client, gone), watch(client, held)]);
    expect((await (streams[0]?.ended ?? Date.now())) - deleted_at).toBeLessThan(PROMISED_MS);
    expect(streams.map(({ seen }) => seen.ended)).toEqual(["cut", "open"]);
    await client.stub.cancel(client.key, "inv_a");
    await streams[1]?.ended;
  }, 60_000);

  it.each(["rejects", "hangs"] as Fault[])(
    "stay while D1 %s, end when it answers, and the run is not held up",
    async (fault) => {
      const client = threadClient();
      const [gone, held] = [await addKey(client.key.user_id), await addKey(client.key.user_id)];
      await withFaultyObject(client.key, async ({ object, faults }) => {
        const open = (key_id: string) =>
          object.fetch(
            new Request(
              `https://thread/events?${new URLSearchParams({ ...client.key, ...run, key_id, key_age: "0" })}`,
            ),
          );
        await object.accept(client.input("[[stall after 1]] [[say 2]]", run));
        const streams = (await Promise.all([open(gone), open(held)])).map(follow);
        faults.d1 = fault;
        await deleteApiKey(env.DB, client.key.user_id, gone, Date.now());
        await expect
          .poll(async () => JSON.stringify(await object.diagnose(client.key)), { timeout: 40_000, interval: 500 })
          .toContain("the keys of readers could not be checked");
        expect(streams.map(({ seen }) => seen.ended)).toEqual(["open", "open"]);
        faults.d1 = "none";
        await streams[0]?.ended;
        expect(streams.map(({ seen }) => seen.ended)).toEqual(["cut", "open"]);
        await object.cancel(client.key, "inv_a");
        await streams[1]?.ended;
        expect(streams[1]?.seen.text).toContain('"type":"RUN_FINISHED"');
      });
    },
    60_000,
  );
});

describe("a ticket", () => {
  it.each([
    ["a download", "files/ticket", { path: "a" }, {}],
    ["a terminal", "terminal", {}, { upgrade: "websocket" }],
  ])("for %s is refused once the key that asked for it is deleted", async (_what, path, body, headers) => {
    const ada = await createClient().addUser(newId("user"));
    const made = await ada.send("POST", "/v1/api-keys", {});
    const leaver = ada.as(String(made.body.key));
    await ada.send("POST", "/v1/projects", { project_id: "proj-a", name: "A" });
    const ticket = await leaver.send("POST", `/v1/projects/proj-a/sandbox/${path}`, body);
    expect(ticket.status).toBe(201);
    expect((await ada.send("DELETE", `/v1/api-keys/${String(made.body.key_id)}`)).status).toBe(204);
    const { pathname, search } = new URL(String(ticket.body.url));
    expect(await ada.as(null).send("GET", pathname + search, undefined, headers)).toMatchObject({
      status: 401,
      body: { code: "unauthorized", detail: expect.stringContaining("that asked for the ticket") },
    });
  });
});

describe("a request for a stream", () => {
  it("names the key and its age to the thread's object, for each way to ask", async () => {
    const began = Date.now();
    const ada = await createClient().addUser(newId("user"));
    const stream = { accept: "text/event-stream" };
    await ada.send("POST", "/v1/threads/t/runs", { message: "hi", invocation_id: "inv_a" }, stream);
    await ada.send("GET", "/v1/threads/t/events", undefined, stream);
    await ada.send("POST", "/ag-ui", {
      threadId: "t",
      runId: "inv_b",
      messages: [{ role: "user", id: "m", content: "a" }],
    });
    const asked = ada.threads.asked.filter(({ method }) => method.startsWith("fetch"));
    expect(asked.map(({ method }) => method)).toEqual(["fetch POST", "fetch GET", "fetch POST"]);
    for (const { opener } of asked) {
      expect(opener?.key_id).toMatch(/^key_/);
      expect(opener?.confirmed_at).toBeGreaterThanOrEqual(began);
    }
  });
});
