// Runs and their readers in workerd: rows in D1 before the end is sent, many readers, readers that leave, two users.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { readRun } from "../../src/store/runs.ts";
import { framesOf, messagesOf, readUntil, threadClient } from "./thread-client.ts";

const run = { invocation_id: "inv_a" };

describe("a run that is accepted and streamed by one request", () => {
  it("sends its end when its rows are in D1", async () => {
    const client = threadClient();
    const response = await client.post("[[text hello]]", run);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const text = await readUntil(response, (read) => read.includes("RUN_FINISHED"));
    expect(text.startsWith("retry: 1000\nid: ")).toBe(true);
    expect((await messagesOf(client.key)).map(({ type, content }) => [type, content])).toEqual([
      ["user", { role: "user", content: "[[text hello]]" }],
      ["assistant", { role: "assistant", content: "hello" }],
    ]);
    expect(await readRun(env.DB, client.key, "inv_a")).toMatchObject({
      status: "completed",
      result: { text: "hello" },
    });
  });

  it("is one run for fifty concurrent requests with its id, and a conflict for another body", async () => {
    const client = threadClient();
    const posts = Array.from({ length: 50 }, () => client.stub.accept(client.input("[[say 3]]", run)));
    const accepted = await Promise.all(posts);
    expect(accepted.filter((each) => each.ok && each.value.created).length).toBe(1);
    const other = await client.post("[[say 4]]", run);
    expect([other.status, await other.json()]).toMatchObject([409, { error: { code: "idempotency_conflict" } }]);
    await readUntil(await client.events(run));
    expect((await messagesOf(client.key)).length).toBe(2);
  });

  it("begins with a resync if the run exists and the route asks to attach", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[say 3]]", run));
    const body = JSON.stringify(client.input("whatever", run));
    const request = new Request("https://thread/runs?known=1", { method: "POST", body });
    const [first, ...rest] = framesOf(await readUntil(await client.stub.fetch(request)));
    expect(first?.event).toMatchObject({ type: "RUN_STARTED", metadata: { resync: true } });
    expect(rest.at(-1)?.event.type).toBe("RUN_FINISHED");
  });
});

describe("a hundred readers of one run", () => {
  it("get the same frames", async () => {
    const client = threadClient();
    // It waits until all of them are there.
    await client.stub.accept(client.input("[[stall]]", { invocation_id: "inv_before" }));
    await client.stub.accept(client.input("[[pace 200]] [[think 5]] [[say 60]]", run));
    const responses = await Promise.all(Array.from({ length: 100 }, () => client.events(run)));
    await client.stub.cancel(client.key, "inv_before");
    const texts = await Promise.all(responses.map((response) => readUntil(response)));
    const [first] = texts;
    expect(framesOf(first ?? "").at(-1)?.event.type).toBe("RUN_FINISHED");
    expect(framesOf(first ?? "").filter(({ event }) => event.type === "TEXT_MESSAGE_CONTENT").length).toBe(60);
    for (const text of texts) expect(framesOf(text)).toEqual(framesOf(first ?? ""));
  });
});

describe("five hundred streams of one thread", () => {
  it("are the maximum: the next is refused, and the others get everything", async () => {
    const client = threadClient();
    await client.stub.accept(client.input("[[stall after 1]] [[say 2]]", run));
    const responses = await Promise.all(Array.from({ length: 500 }, () => client.events(run)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await client.events(run);
    expect([refused.status, await refused.json()]).toMatchObject([429, { error: { code: "rate_limited" } }]);
    const late = await client.post("late", { invocation_id: "inv_late" });
    expect(late.status).toBe(429);
    expect(await client.stub.getRun(client.key, "inv_late")).toMatchObject({ error: { code: "not_found" } });
    await client.stub.cancel(client.key, "inv_a");
    const texts = await Promise.all(responses.map((response) => readUntil(response)));
    expect(new Set(texts).size).toBe(1);
    expect(framesOf(texts[0] ?? "").at(-1)?.event.type).toBe("RUN_FINISHED");
    expect((await client.events(run)).status).toBe(200);
  });
});

describe("a reader that leaves", () => {
  it("changes nothing for the run and for others", async () => {
    const client = threadClient();
    const staying = await client.post("[[pace 100]] [[say 40]]", run);
    const leaving = await Promise.all(Array.from({ length: 5 }, () => client.events(run)));
    for (const response of leaving) await readUntil(response, (text) => text.includes("word "));
    const frames = framesOf(await readUntil(staying));
    expect(frames.at(-1)?.event).toMatchObject({ type: "RUN_FINISHED", result: { text: "word ".repeat(40) } });
    expect(await readRun(env.DB, client.key, "inv_a")).toMatchObject({ status: "completed", attempt: 1 });
  });

  it("without ever reading does not hold up the run", async () => {
    const client = threadClient();
    const unread = await client.post("[[say 20000]]", run);
    const ended = await client.stub.waitForEnd(client.key, "inv_a", 30_000);
    expect(ended).toMatchObject({ ok: true, value: { status: "completed" } });
    await unread.body?.cancel();
  });
});

describe("a cancel", () => {
  it("during a stalled model call ends the run with the text so far", async () => {
    const client = threadClient();
    const response = await client.post("[[say 10]] [[stall after 6]]", run);
    const reading = readUntil(response);
    await readUntil(await client.events(run), (text) => text.includes("word "));
    expect(await client.stub.cancel(client.key, "inv_a")).toMatchObject({ value: { status: "cancelled" } });
    expect(framesOf(await reading).at(-1)?.event).toMatchObject({ outcome: { type: "cancelled" } });
    const [, assistant] = await messagesOf(client.key);
    expect(assistant?.metadata).toMatchObject({ partial: true });
  });
});

describe("two users with the same ids", () => {
  it("never meet", async () => {
    const clients = [threadClient(), threadClient()];
    const said = ["[[text for one]]", "[[text for two]]"];
    await Promise.all(clients.map(async (client, place) => readUntil(await client.post(said[place] ?? "", run))));
    for (const [place, client] of clients.entries()) {
      const [user, assistant] = await messagesOf(client.key);
      expect(user).toMatchObject({ message_id: "msg_of_inv_a", user_id: client.key.user_id });
      expect(assistant?.content).toEqual({ role: "assistant", content: place === 0 ? "for one" : "for two" });
      expect(await client.stub.getRun(client.key, "inv_a")).toMatchObject({ value: { user_id: client.key.user_id } });
    }
  });
});

describe("a thread that is created and changed without a run", () => {
  it("is in D1 when the call is answered, and is created once", async () => {
    const { stub, key } = threadClient();
    const creation = { ...key, project_id: null, title: "Shop", agent_id: null, metadata: { a: 1 } };
    const requests = Array.from({ length: 5 }, (_, index) => ({ ...creation, request_id: `req_${index}` }));
    const made = await Promise.all(requests.map((request) => stub.create(request)));
    expect(made.filter(({ ok }) => ok).length).toBe(1);
    const first = requests.find((_, index) => made[index]?.ok);
    // Repeated, since its answer was lost.
    expect(first && (await stub.create(first))).toMatchObject({ ok: true, value: { title: "Shop" } });
    await stub.update(key, { title: null, metadata: { b: 2 } });
    const row = await env.DB.prepare("SELECT title, metadata, version FROM threads WHERE user_id = ? AND thread_id = ?")
      .bind(key.user_id, key.thread_id)
      .first<{ title: string | null; metadata: string; version: number }>();
    expect([row?.title, JSON.parse(row?.metadata ?? ""), row?.version]).toEqual([null, { a: 1, b: 2 }, 2]);
  });
});
