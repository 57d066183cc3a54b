// The inbox of a thread over HTTP, with real objects of threads. Their runs stall until they are cancelled or continue.
import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { newId } from "../../src/protocol/ids.ts";
import { createClient } from "./http-client.ts";
import { realUser } from "./real-client.ts";
import { readUntil, threadClient } from "./thread-client.ts";

const [working, short] = ["[[pace 40]] [[say 400]]", "[[pace 15]] [[say 60]]"];

/** A thread whose run `inv_a` is active, and its owner. */
async function busyThread(message: string) {
  const user_id = newId("user");
  const ada = await realUser(user_id);
  const thread = threadClient(user_id, "thread-001");
  const path = "/v1/threads/thread-001";
  const send = (body: object) => ada.send("POST", `${path}/runs`, body);
  const inbox = async () => (await ada.send("GET", `${path}/inbox`)).body.data ?? [];
  const cancel = (id: string) => ada.send("POST", `${path}/runs/${id}/cancel`);
  const stream = await thread.post(message, { invocation_id: "inv_a" });
  return { ada, thread, path, send, inbox, cancel, stream };
}

const steered = { message: "[[text blue]]", message_id: "msg_s", invocation_id: "inv_s", on_busy: "steer" };
const queued = { message: "[[text later]]", message_id: "msg_q", invocation_id: "inv_q" };

describe("the inbox of a thread", () => {
  it("lists waiting messages in the order in which they are taken, in another life too, without cancelled ones", async () => {
    const { thread, send, inbox, cancel, stream } = await busyThread(working);
    await readUntil(stream, (text) => text.includes("word "));
    expect(await inbox()).toEqual([]);
    await send(queued);
    await send(steered);
    await send({ ...queued, message_id: "msg_2", invocation_id: "inv_2", background: true });
    const shown = { is_cut: false, created_at: expect.stringMatching(/Z$/) };
    const expected = [
      { ...shown, invocation_id: "inv_s", message_id: "msg_s", on_busy: "steer", content: "[[text blue]]" },
      { ...shown, invocation_id: "inv_q", message_id: "msg_q", on_busy: "enqueue", content: "[[text later]]" },
      { ...shown, invocation_id: "inv_2", message_id: "msg_2", on_busy: "enqueue", content: "[[text later]]" },
    ];
    expect(await inbox()).toEqual(expected);
    const object = env.THREADS.get(env.THREADS.idFromName(`${thread.key.user_id}/thread-001`));
    const killed = (_instance: unknown, state: DurableObjectState) => state.abort("killed by the test");
    await runInDurableObject(object as unknown as DurableObjectStub, killed).catch(() => {});
    // The request that wakes the next life is answered before its run reaches a step, which takes steering messages.
    expect(await inbox()).toEqual(expected);
    await cancel("inv_q");
    expect((await inbox()).filter(({ on_busy }) => on_busy === "enqueue")).toEqual([expected[2]]);
    await cancel("inv_2");
    await cancel("inv_a");
    await thread.stub.waitForEnd(thread.key, "inv_s", 20_000);
    expect(await inbox()).toEqual([]);
  });

  it("is empty when each message has been taken once", async () => {
    const { ada, thread, path, send, inbox, stream } = await busyThread(short);
    await readUntil(stream, (text) => text.includes("word "));
    await send(queued);
    await send(steered);
    expect((await inbox()).map(({ message_id }) => message_id)).toEqual(["msg_s", "msg_q"]);
    await thread.stub.waitForEnd(thread.key, "inv_q", 20_000);
    expect(await inbox()).toEqual([]);
    const { body } = await ada.send("GET", `${path}/messages?type=user`);
    expect(body.data?.map(({ message_id, invocation_id }) => [message_id, invocation_id])).toEqual([
      ["msg_of_inv_a", "inv_a"],
      ["msg_s", "inv_a"],
      ["msg_q", "inv_q"],
    ]);
  });

  it("takes edits, sends a message now, and takes one back", async () => {
    const { ada, path, send, inbox, cancel, stream } = await busyThread(working);
    await readUntil(stream, (text) => text.includes("word "));
    await send(queued);
    await send(steered);
    const change = (id: string, body: object) => ada.send("PATCH", `${path}/inbox/${id}`, body);
    expect(await change("msg_s", { message: "[[text green]]" })).toMatchObject({
      status: 200,
      body: { message_id: "msg_s", on_busy: "steer", content: "[[text green]]" },
    });
    expect(await change("msg_q", { on_busy: "steer" })).toMatchObject({ status: 200, body: { on_busy: "steer" } });
    expect((await inbox()).map(({ message_id, on_busy }) => [message_id, on_busy])).toEqual([
      ["msg_s", "steer"],
      ["msg_q", "steer"],
    ]);
    expect((await ada.send("GET", `${path}/runs/inv_q`)).body.status).toBe("cancelled");
    expect((await ada.send("DELETE", `${path}/inbox/msg_s`)).status).toBe(204);
    expect((await inbox()).map(({ message_id }) => message_id)).toEqual(["msg_q"]);
    for (const [id, body, status, code] of [
      ["msg_s", { message: "x" }, 404, "not_found"],
      ["msg_of_inv_a", { message: "x" }, 404, "not_found"],
      ["msg_q", { message: " " }, 400, "empty_message"],
      ["msg_q", { on_busy: "replace" }, 400, "invalid_field"],
      ["msg_q", { text: "x" }, 400, "unknown_field"],
    ] as const) {
      expect(await change(id, body)).toMatchObject({ status, body: { code } });
    }
    await cancel("inv_a");
  });

  it("is not found for another user or for an unknown thread", async () => {
    const { ada, path, cancel, send, inbox, stream } = await busyThread(working);
    await readUntil(stream, (text) => text.includes("word "));
    await send(queued);
    const bob = await realUser(newId("user"));
    for (const [who, where] of [
      [bob, path],
      [ada, "/v1/threads/unknown"],
    ] as const) {
      const answer = await who.send("GET", `${where}/inbox`);
      expect([answer.status, answer.body.code, answer.text.includes("later")]).toEqual([404, "not_found", false]);
    }
    expect((await ada.as(null).send("GET", `${path}/inbox`)).status).toBe(401);
    expect(await inbox()).toHaveLength(1);
    await cancel("inv_q");
    await cancel("inv_a");
    expect((await ada.send("DELETE", path)).status).toBe(204);
    expect((await ada.send("GET", `${path}/inbox`)).status).toBe(404);
  });

  it("is read from the thread's object alone", async () => {
    const client = createClient();
    await client.send("POST", "/v1/threads", { thread_id: "thread-inbox" });
    client.threads.asked.length = 0;
    const { body } = await client.send("GET", "/v1/threads/thread-inbox/inbox");
    expect(body.data).toHaveLength(1);
    expect(client.threads.asked.map(({ method }) => method)).toEqual(["readInbox"]);
  });
});
