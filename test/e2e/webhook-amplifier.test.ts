// An attack over TCP: whoever has an account uses the server to send somebody else as many requests as possible.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PING } from "../../src/protocol/webhook.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { makeVerified, type Receiver, startReceiver, untilVerified, verify } from "./webhook-receiver.ts";

let taskloom: Taskloom;
let receiver: Receiver;

interface Hook {
  webhook_id: string;
  secret: string;
}

const events = ["run.completed", "run.failed", "run.cancelled", "task.updated"];

beforeAll(async () => {
  receiver = await startReceiver({}, { "/victim": (response) => response.writeHead(404).end("no such page") });
  taskloom = await startTaskloom({ ENCRYPTION_KEY: "key of the tests", ALLOW_PRIVATE_URLS: "1" });
});

afterAll(async () => {
  await taskloom?.close();
  await receiver?.close();
});

/** A user of its own: the limit of pings is a user's. */
async function signUp(user_id: string) {
  const { api_key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id });
  const send = (method: string, path: string, body?: unknown) =>
    taskloom.request(method, path, body, { authorization: `Bearer ${api_key}` });
  const json = async <T>(...asked: Parameters<typeof send>) => (await (await send(...asked)).json()) as T;
  return { send, json };
}

type User = Awaited<ReturnType<typeof signUp>>;

/** One request that changes forty tasks. */
async function changeTasks({ send }: User, thread_id: string): Promise<void> {
  await send("POST", "/v1/threads", { thread_id });
  const task_contents = Array.from({ length: 40 }, (_, place) => `task ${place}`);
  const changed = await send("PATCH", `/v1/threads/${thread_id}/tasks`, {
    operations: [{ op: "create", section_title: "s", task_contents }],
  });
  expect(changed.status).toBe(200);
}

const at = (path: string) => receiver.received.filter((one) => one.path.startsWith(path));
const pingsAt = (path: string) => receiver.pings.filter((one) => one.path.startsWith(path));

/** A webhook of the user that hears of the same changes last; then all others have been made as well. */
async function untilHeard(user: User, thread_id: string): Promise<void> {
  await receiver.next(({ path, payload }) => path.startsWith("/own") && payload.data.thread_id === thread_id);
  const { data } = await user.json<{ data: { webhook_id: string }[] }>("GET", "/v1/webhooks");
  for (const { webhook_id } of data) {
    for (;;) {
      const path = `/v1/webhooks/${webhook_id}/deliveries?status=pending&limit=100`;
      const { data: pending } = await user.json<{ data: { event: string; attempts: number }[] }>("GET", path);
      if (pending.every(({ attempts }) => attempts > 0)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe("one request that changes forty tasks", () => {
  it("makes one delivery a webhook, with all tasks, at an address that is given twenty times", async () => {
    const user = await signUp("user_twenty");
    const spelled = Array.from({ length: 20 }, (_, place) => `${receiver.origin}/own${place === 0 ? "" : `#${place}`}`);
    const made = await Promise.all(spelled.map((url) => user.send("POST", "/v1/webhooks", { url, events })));
    expect(made.map(({ status }) => status).toSorted()).toEqual([201, ...Array(19).fill(409)]);
    const bodies = await Promise.all(made.map((answer) => answer.json() as Promise<Partial<Hook>>));
    const { webhook_id = "", secret = "" } = bodies.find((body) => body.secret !== undefined) ?? {};
    await untilVerified(user.json, webhook_id);
    await changeTasks(user, "thread-twenty");
    await untilHeard(user, "thread-twenty");
    expect([at("/own").length, pingsAt("/own").length]).toEqual([1, 1]);
    const [delivery] = at("/own");
    if (delivery === undefined) throw new Error("nothing was sent");
    expect(verify(secret, delivery)).toMatchObject({ type: "task.updated", data: { thread_id: "thread-twenty" } });
    expect(delivery.payload.data.tasks).toHaveLength(40);
    expect(delivery.payload.data.task).toEqual(delivery.payload.data.tasks?.[0]);
  });

  it("sends nothing but pings to somebody who never answers 2xx, whatever is tried", async () => {
    const user = await signUp("user_victim");
    await makeVerified(user.json, { url: `${receiver.origin}/own/victim`, events });
    const made = await user.json<Hook>("POST", "/v1/webhooks", { url: `${receiver.origin}/victim`, events });
    const path = `/v1/webhooks/${made.webhook_id}`;
    await changeTasks(user, "thread-victim");
    const tried = [
      await user.send("POST", `${path}/replay`, { since: "2026-01-01T00:00:00Z", status: "all" }),
      await user.send("PATCH", path, { enabled: false }),
      await user.send("PATCH", path, { enabled: true }),
      await user.send("POST", `${path}/ping`),
    ];
    expect(tried.map(({ status }) => status)).toEqual([422, 200, 200, 202]);
    await changeTasks(user, "thread-victim-2");
    await untilHeard(user, "thread-victim-2");
    expect(at("/victim")).toEqual([]);
    expect(pingsAt("/victim").length).toBeGreaterThan(0);
    for (const ping of pingsAt("/victim")) {
      expect(verify(made.secret, ping)).toEqual({
        ...{ type: PING, timestamp: expect.any(String), data: { webhook_id: made.webhook_id } },
      });
    }
    expect(await user.json("GET", path)).toMatchObject({ unverified_since: expect.any(String) });
  });
});

describe("a loop that makes, changes and deletes webhooks", () => {
  it("sends twenty requests a minute", async () => {
    const user = await signUp("user_loop");
    const statuses: number[] = [];
    for (let round = 0; round < 45; round++) {
      const made = await user.send("POST", "/v1/webhooks", { url: `${receiver.origin}/loop/${round}`, events });
      const { webhook_id = "" } = (await made.json()) as Partial<Hook>;
      statuses.push(made.status);
      if (made.status === 201) await user.send("DELETE", `/v1/webhooks/${webhook_id}`);
    }
    const made = statuses.filter((status) => status === 201).length;
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(201));
    expect(statuses).toContain(429);
    // A second minute may have begun.
    expect(made).toBeLessThanOrEqual(40);
    expect(pingsAt("/loop").length).toBeLessThanOrEqual(made);
  });
});
