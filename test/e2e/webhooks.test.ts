// Webhooks from a run to a receiver over TCP: signed so that the package of Standard Webhooks verifies them, whatever
// became of the run, and whatever the receiver does.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { useTool } from "./runs-client.ts";
import { makeVerified, type Received, type Receiver, startReceiver, verify } from "./webhook-receiver.ts";

interface Hook {
  webhook_id: string;
  secret: string;
  enabled: boolean;
  disabled_reason: string | null;
}

interface Delivery {
  delivery_id: string;
  event: string;
  status: string;
  attempts: number;
  tries: { status: number | null; error: string | null; duration_ms: number }[];
}

let model: PuppetModel;
let taskloom: Taskloom;
let receiver: Receiver;
const hooks: Record<string, Hook> = {};

const all = ["run.completed", "run.failed", "run.interrupted", "run.cancelled", "task.updated"];
const ends = ["run.completed"];

beforeAll(async () => {
  receiver = await startReceiver({
    "/flaky": (response, before) => response.writeHead(before === 0 ? 500 : 200).end("answered"),
    // Never ended: the server has to close it.
    "/slow": (response) => response.writeHead(200).write("a"),
    "/redirect": (response) => response.writeHead(302, { location: `${receiver.origin}/redirected` }).end(),
    "/gone": (response) => response.writeHead(410).end(),
  });
  model = await startPuppetModel();
  taskloom = await startTaskloom({
    OPENAI_BASE_URL: model.baseUrl,
    ENCRYPTION_KEY: "key of the tests",
    ALLOW_PRIVATE_URLS: "1",
  });
  hooks.all = await makeHook(`${receiver.origin}/all`, all);
});

afterAll(async () => {
  await taskloom?.close();
  await model?.close();
  await receiver?.close();
});

const makeHook = (url: string, events: string[]) => makeVerified<Hook>(taskloom.json, { url, events });

async function listDeliveries(name: string): Promise<Delivery[]> {
  const path = `/v1/webhooks/${hooks[name]?.webhook_id}/deliveries`;
  return (await taskloom.json<{ data: Delivery[] }>("GET", path)).data;
}

/** Polls until it is true: an attempt's outcome is recorded a moment after the receiver has answered. */
async function untilDelivery(name: string, fits: (delivery: Delivery) => boolean): Promise<Delivery> {
  for (;;) {
    const found = (await listDeliveries(name)).find(fits);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const post = (thread: string, id: string) =>
  taskloom.json("POST", `/v1/threads/${thread}/runs`, { message: "go", invocation_id: id });

async function complete(thread: string, id: string): Promise<void> {
  await post(thread, id);
  const call = await model.next();
  call.text("done");
  call.finish();
}

const endOf = (path: string, id: string) => (received: Received) =>
  received.path === path && received.payload.data.invocation_id === id && received.payload.data.task === undefined;

async function expectEnd(id: string, status: string): Promise<Received> {
  const delivery = await receiver.next(endOf("/all", id));
  expect(verify(hooks.all?.secret ?? "", delivery)).toEqual({
    type: `run.${status}`,
    timestamp: expect.any(String),
    data: {
      thread_id: `thread-${id}`,
      project_id: expect.any(String),
      invocation_id: id,
      status,
      seq: expect.any(Number),
      taskloom_hops: 1,
    },
  });
  return delivery;
}

describe("a receiver is notified", () => {
  it("of a run that completed, with the number of its last event", async () => {
    await complete("thread-c", "c");
    const delivery = await expectEnd("c", "completed");
    expect(delivery.headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": delivery.id,
      "taskloom-hops": "1",
    });
    expect(delivery.headers["user-agent"]).toMatch(/^Taskloom\//);
    const events = await taskloom.request("GET", "/v1/threads/thread-c/runs/c/events");
    const [, last] = /id: (\d+)\ndata: [^\n]*RUN_FINISHED/.exec(await events.text()) ?? [];
    expect(delivery.payload.data.seq).toBe(Number(last));
    expect(
      await untilDelivery("all", ({ event, status }) => event === "run.completed" && status === "delivered"),
    ).toMatchObject({
      delivery_id: delivery.id,
      attempts: 1,
      tries: [{ status: 204, error: null }],
    });
  });

  it("of runs that failed, asked a person and were cancelled", async () => {
    await post("thread-f", "f");
    (await model.next()).refuse(401);
    await expectEnd("f", "failed");
    await post("thread-i", "i");
    useTool(await model.next(), "call_1", "ask", { question: "Which?" });
    await expectEnd("i", "interrupted");
    await post("thread-x", "x");
    await model.next();
    await taskloom.json("POST", "/v1/threads/thread-x/runs/x/cancel");
    await expectEnd("x", "cancelled");
  });

  it("of tasks while the run works, those of one change in one event", async () => {
    await post("thread-t", "t");
    useTool(await model.next(), "call_1", "create_tasks", { sections: [{ title: "s", tasks: ["one", "two"] }] });
    const second = await model.next();
    const isTask = ({ payload }: Received) => payload.data.thread_id === "thread-t" && payload.type === "task.updated";
    const plan = await taskloom.json<{ sections: { tasks: { id: string }[] }[] }>("GET", "/v1/threads/thread-t/tasks");
    const ids = plan.sections.flatMap(({ tasks }) => tasks.map(({ id }) => id));
    const hasTask = (id: string | undefined, status: string) => (delivery: Received) =>
      isTask(delivery) &&
      delivery.payload.data.tasks?.some((task) => task.id === id && task.status === status) === true;
    const made = await receiver.next(isTask);
    expect(made.payload.data.tasks?.map(({ id }) => id)).toEqual(ids);
    expect(made.payload.data.task).toEqual(made.payload.data.tasks?.[0]);
    // The run has not ended, and nobody requests the plan.
    useTool(second, "call_2", "update_tasks", { task_ids: [ids[0]], status: "completed" });
    const third = await model.next();
    const ended = await receiver.next(hasTask(ids[0], "completed"));
    expect(verify(hooks.all?.secret ?? "", ended)).toMatchObject({
      type: "task.updated",
      data: { thread_id: "thread-t", invocation_id: "t" },
    });
    useTool(third, "call_3", "clear_all", { confirm: true });
    (await model.next()).refuse(401);
    await receiver.next(hasTask(ids[1], "deleted"));
    await receiver.next(endOf("/all", "t"));
  });
});

describe("a receiver that fails", () => {
  it("is not followed to where it redirects, is left alone where it is gone, and delays no other", async () => {
    for (const name of ["flaky", "slow", "redirect", "gone"]) {
      hooks[name] = await makeHook(`${receiver.origin}/${name}`, ends);
    }
    // Nobody is there, so its ping fails.
    hooks.nobody = await taskloom.json<Hook>("POST", "/v1/webhooks", { url: "http://127.0.0.1:9/", events: ends });
    await complete("thread-p", "p");
    // The harness makes the Worker's requests, and returns a 500 of its own where there is no answer, or a redirect
    // that is not followed.
    const redirected = await untilDelivery(
      "redirect",
      ({ event, tries }) => event === "run.completed" && tries.length === 1,
    );
    expect(redirected.tries[0]?.error).toMatch(/^It answered (302|500)/);
    expect(await untilDelivery("gone", ({ status }) => status === "failed")).toMatchObject({ attempts: 1 });
    expect(await taskloom.json("GET", `/v1/webhooks/${hooks.gone?.webhook_id}`)).toMatchObject({
      enabled: false,
      disabled_reason: expect.stringMatching(/410/),
    });
    const refused = await untilDelivery("nobody", ({ tries }) => tries.length === 1);
    expect(refused.tries[0]?.error).toMatch(/^It (answered 500|was not reached)/);
    await expectEnd("p", "completed");
  });

  it("is sent the same id again within half a minute, with a new signature", async () => {
    const again = await receiver.next(
      ({ path }) => path === "/flaky" && receiver.received.filter((other) => other.path === "/flaky").length === 2,
    );
    const both = receiver.received.filter(({ path }) => path === "/flaky");
    expect(new Set(both.map(({ id }) => id)).size).toBe(1);
    for (const delivery of both)
      expect(verify(hooks.flaky?.secret ?? "", delivery)).toMatchObject({ type: "run.completed" });
    expect(both.map(({ headers }) => headers["webhook-timestamp"])).toEqual([expect.any(String), expect.any(String)]);
    const delivered = await untilDelivery(
      "flaky",
      ({ event, status }) => event === "run.completed" && status === "delivered",
    );
    expect(delivered).toMatchObject({ delivery_id: again.id, attempts: 2 });
    const slow = await untilDelivery("slow", ({ event, tries }) => event === "run.completed" && tries.length > 0);
    expect(slow.tries[0]).toMatchObject({ error: "It did not answer within 10 s." });
    expect(receiver.received.filter(({ path }) => path === "/redirected")).toEqual([]);
  });
});

describe("a person", () => {
  it("replays one and a range, and rotates the secret with an overlap", async () => {
    const first = await untilDelivery("flaky", ({ event }) => event === "run.completed");
    const former = hooks.flaky?.secret ?? "";
    const path = `/v1/webhooks/${hooks.flaky?.webhook_id}`;
    const { secret } = await taskloom.json<Hook>("POST", `${path}/rotate`, {});
    const begun = await taskloom.request("POST", `${path}/deliveries/${first.delivery_id}/replay`);
    expect(begun.status).toBe(202);
    const atFlaky = () => receiver.received.filter((delivery) => delivery.path === "/flaky");
    const replayed = await receiver.next(() => atFlaky().length === 3).then(() => atFlaky()[2] as Received);
    expect(replayed.id).toBe(first.delivery_id);
    for (const each of [former, secret]) expect(verify(each, replayed)).toMatchObject({ type: "run.completed" });
    await untilDelivery("flaky", ({ event, status }) => event === "run.completed" && status === "delivered");
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const range = await taskloom.json("POST", `${path}/replay`, { since, status: "all" });
    expect(range).toEqual({ replayed: 1, next_cursor: null });
    await receiver.next(() => atFlaky().length === 4);
  });
});
