// Webhooks that lead back to triggers, over TCP: whichever way round, the chain ends after three runs, and the
// trigger's log gives the reason.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PING } from "../../src/protocol/webhook.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { useTool } from "./runs-client.ts";
import { makeVerified } from "./webhook-receiver.ts";

/** Stops a loop that does not end by itself: its next run waits for a model that never answers. */
const MAX_CALLS = 6;

interface Logged {
  status: string;
  reason: string | null;
  thread_id: string | null;
  invocation_id: string | null;
}

interface Run {
  thread_id: string;
  invocation_id: string;
  status: string;
  attempt: number;
  hops: number;
  caused_by: unknown[];
}

interface Delivery {
  delivery_id: string;
  event: string;
  status: string;
  attempts: number;
  tries: { status: number | null }[];
  payload: { data: { taskloom_hops: number } };
}

/** A user of the server. */
type Ask = <T>(method: string, path: string, body?: unknown) => Promise<T>;

let model: PuppetModel;
let taskloom: MortalTaskloom;
let relay: Server;
/** What the relay does with a delivery; its response is the relay's. */
let pass: (body: string, headers: Record<string, string>) => Promise<Response>;
let hooks: [ask: Ask, webhook_id: string][] = [];
/** How the model answers. An endless loop gets as many answers as one that ends never needs. */
let answer: (call: ModelCall) => void;
let calls: number;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startMortalTaskloom({
    OPENAI_BASE_URL: model.baseUrl,
    ENCRYPTION_KEY: "key of the tests",
    ALLOW_PRIVATE_URLS: "1",
  });
  relay = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    // A relay proves itself: a ping passed on without its body would be an event like others.
    const isPing = (JSON.parse(body) as { type: string }).type === PING;
    const { status } = isPing ? { status: 204 } : await pass(body, request.headers as Record<string, string>);
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", () => resolve()));
  void answerCalls();
});

beforeEach(() => {
  answer = say;
  calls = 0;
});

afterEach(async () => {
  const disabled = hooks.map(([ask, id]) => ask("PATCH", `/v1/webhooks/${id}`, { enabled: false }));
  hooks = [];
  await Promise.all(disabled);
});

afterAll(async () => {
  await taskloom?.close();
  await model?.close();
  relay?.closeAllConnections();
  await new Promise((resolve) => relay?.close(resolve));
});

const secret = `whsec_${btoa("thirty-two bytes of the tests...")}`;
const first: Ask = (...asked) => taskloom.json(...asked);
const doorOf = (trigger_id: string) => `${taskloom.url}/hooks/${trigger_id}`;
let relays = 0;
/** Each webhook has an address of its own. */
const relayUrl = () => `http://127.0.0.1:${(relay.address() as AddressInfo).port}/${++relays}`;

async function makeTrigger(part: Record<string, unknown> = {}, ask = first): Promise<string> {
  const body = { type: "webhook", prompt: "go on", verify: { scheme: "standard" }, secret, ...part };
  return (await ask<{ trigger_id: string }>("POST", "/v1/triggers", body)).trigger_id;
}

async function makeHook(url: string, event = "run.completed", ask = first): Promise<string> {
  const { webhook_id } = await makeVerified(ask, { url, events: [event], secret });
  hooks.push([ask, webhook_id]);
  return webhook_id;
}

const startRun = (thread_id: string, ask = first) =>
  ask<Run>("POST", `/v1/threads/${thread_id}/runs`, { message: "go", invocation_id: `first-of-${thread_id}` });

const readRun = ({ thread_id, invocation_id }: Pick<Logged, "thread_id" | "invocation_id">, ask = first) =>
  ask<Run>("GET", `/v1/threads/${thread_id}/runs/${invocation_id}`);

const listDeliveries = async (webhook_id: string) =>
  (await first<{ data: Delivery[] }>("GET", `/v1/webhooks/${webhook_id}/deliveries`)).data.filter(
    ({ event }) => event !== PING,
  );

/** Polls until it is true: a delivery's outcome is recorded a moment after the response. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const say = (call: ModelCall): void => {
  call.text("done");
  call.finish();
};

async function answerCalls(): Promise<void> {
  for (;;) {
    const call = await model.next();
    calls += 1;
    if (calls <= MAX_CALLS) answer(call);
  }
}

/** Polls until it is true, or the loop continues. */
function untilEnded<T>(look: () => Promise<T | undefined>): Promise<T> {
  return until(async () => {
    const found = await look();
    if (found === undefined && calls > MAX_CALLS) throw new Error("the loop goes on");
    return found;
  });
}

/** The trigger's log without pings, newest first, once it has refused something. */
function untilRefused(trigger_id: string, ask = first): Promise<Logged[]> {
  return untilEnded(async () => {
    const { data } = await ask<{ data: Logged[] }>("GET", `/v1/triggers/${trigger_id}/deliveries`);
    return data.some(({ status }) => status === "refused")
      ? data.filter(({ status }) => status !== "skipped")
      : undefined;
  });
}

describe("a webhook whose address is one's own trigger", () => {
  it("ends after three runs that know their chain, and is no failure of the webhook", async () => {
    const trigger_id = await makeTrigger();
    const webhook_id = await makeHook(doorOf(trigger_id));
    const begun = await startRun("thread-loop");
    const logged = await untilRefused(trigger_id);
    expect(logged.map(({ status }) => status)).toEqual(["refused", "accepted", "accepted"]);
    expect(logged[0]?.reason).toMatch(/third in a chain of runs that webhooks started/);
    const [second, third] = [await readRun(logged[2] as Logged), await readRun(logged[1] as Logged)];
    const cause = ({ thread_id, invocation_id }: Run) => ({ trigger_id, thread_id, invocation_id });
    expect([await readRun(begun), second, third]).toMatchObject([
      { status: "completed", hops: 0, caused_by: [] },
      { status: "completed", hops: 1, caused_by: [cause(begun)] },
      { status: "completed", hops: 2, caused_by: [cause(begun), cause(second)] },
    ]);
    const deliveries = await until(async () => {
      const all = await listDeliveries(webhook_id);
      return all.every(({ status }) => status !== "pending") ? all : undefined;
    });
    const summaries = deliveries.map(({ status, attempts, tries, payload }) => [
      payload.data.taskloom_hops,
      status,
      attempts,
      tries[0]?.status,
    ]);
    expect(summaries.toSorted()).toEqual([
      [1, "delivered", 1, 202],
      [2, "delivered", 1, 202],
      [3, "failed", 1, 422],
    ]);
    expect(await first("GET", `/v1/webhooks/${webhook_id}`)).toMatchObject({ enabled: true, failing_since: null });
    // A person's replay starts each with the count that it had.
    await first("POST", `/v1/webhooks/${webhook_id}/replay`, { since: "2026-01-01T00:00:00Z", status: "all" });
    const again = await until(async () => {
      const all = await listDeliveries(webhook_id);
      return all.every(({ tries, status }) => tries.length === 2 && status !== "pending") ? all : undefined;
    });
    expect(again.map(({ status, payload }) => [payload.data.taskloom_hops, status]).toSorted()).toEqual([
      [1, "delivered"],
      [2, "delivered"],
      [3, "failed"],
    ]);
    expect((await first<{ data: Run[] }>("GET", `/v1/threads/${third.thread_id}/runs`)).data).toHaveLength(1);
  });

  it("ends after one generation with task.updated, of which a run makes dozens", async () => {
    const trigger_id = await makeTrigger();
    await makeHook(doorOf(trigger_id), "task.updated");
    let made = 0;
    // A task, and then an end: one event of each run.
    answer = (call) => {
      const isBegun = call.messages.some(({ role }) => role === "tool");
      if (isBegun) call.refuse(401);
      else useTool(call, `call_${++made}`, "create_tasks", { sections: [{ title: "s", tasks: ["one"] }] });
    };
    await startRun("thread-tasks");
    await untilRefused(trigger_id);
    expect(made).toBe(2);
  });

  it("ends in a thread that all deliveries share", async () => {
    const trigger_id = await makeTrigger({ thread: "thread-shared" });
    await makeHook(doorOf(trigger_id));
    await startRun("thread-shared");
    const logged = await untilRefused(trigger_id);
    const { data } = await first<{ data: Run[] }>("GET", "/v1/threads/thread-shared/runs");
    expect(data.map(({ hops }) => hops)).toEqual([2, 1, 0]);
    expect(logged).toHaveLength(3);
  });

  it("ends where a life of the thread ends within each run", async () => {
    const trigger_id = await makeTrigger({ thread: "thread-mortal" });
    await makeHook(doorOf(trigger_id));
    answer = (call) => {
      if (calls % 2 === 0) return say(call);
      // The next request starts a new life, which calls the model again.
      void taskloom.endLife("thread-mortal").then(() => first("GET", "/v1/threads/thread-mortal/runs"));
    };
    await startRun("thread-mortal");
    await untilRefused(trigger_id);
    const { data } = await first<{ data: Run[] }>("GET", "/v1/threads/thread-mortal/runs");
    expect(data.map(({ hops, attempt }) => [hops, attempt])).toEqual([
      [2, 2],
      [1, 2],
      [0, 2],
    ]);
  });
});

describe("a relay between a webhook and a trigger", () => {
  const token = { "content-type": "application/json", "x-token": secret };
  const makeHeaderTrigger = () => makeTrigger({ verify: { scheme: "header", header: "X-Token" } });

  it("drops the headers and wraps the body: it ends after three runs, which know their chain", async () => {
    const trigger_id = await makeHeaderTrigger();
    pass = (body) =>
      fetch(doorOf(trigger_id), { method: "POST", headers: token, body: `{"events":[{"event":${body}}]}` });
    await makeHook(relayUrl());
    const begun = await startRun("thread-wrapped");
    const logged = await untilRefused(trigger_id);
    expect(logged).toHaveLength(3);
    const { thread_id, invocation_id } = begun;
    const { hops, caused_by } = await readRun(logged[1] as Logged);
    expect([hops, caused_by[0]]).toEqual([2, { trigger_id, thread_id, invocation_id }]);
  });

  it("keeps the header alone: it ends after three runs", async () => {
    const trigger_id = await makeHeaderTrigger();
    pass = (_body, headers) => {
      const counted = { ...token, "taskloom-hops": headers["taskloom-hops"] ?? "" };
      return fetch(doorOf(trigger_id), { method: "POST", headers: counted, body: "{}" });
    };
    await makeHook(relayUrl());
    await startRun("thread-header");
    const logged = await untilRefused(trigger_id);
    expect(logged).toHaveLength(3);
    const unknown = { trigger_id, thread_id: null, invocation_id: null };
    expect(await readRun(logged[1] as Logged)).toMatchObject({ hops: 2, caused_by: [unknown] });
  });

  it("keeps the run's name alone: it ends after three runs, because the server knows that run's chain", async () => {
    const trigger_id = await makeHeaderTrigger();
    pass = (body) => {
      const { type, data } = JSON.parse(body) as { type: string; data: Record<string, unknown> };
      const { thread_id, invocation_id } = data;
      const kept = JSON.stringify({ type, data: { thread_id, invocation_id } });
      return fetch(doorOf(trigger_id), { method: "POST", headers: token, body: kept });
    };
    await makeHook(relayUrl());
    await startRun("thread-named");
    expect(await untilRefused(trigger_id)).toHaveLength(3);
  });
});

describe("a program that calls the API for each webhook", () => {
  const post = (path: string, body: unknown, headers: Record<string, string>) =>
    taskloom.request("POST", path, body, { "taskloom-hops": headers["taskloom-hops"] ?? "" });

  it("passes on the count with the runs that it starts, and the third is refused", async () => {
    const statuses: number[] = [];
    pass = async (_body, headers) => {
      const posted = await post("/v1/threads/thread-program/runs", { message: "next" }, headers);
      statuses.push(posted.status);
      return posted;
    };
    await makeHook(relayUrl());
    await startRun("thread-program");
    await untilEnded(async () => (statuses.includes(422) ? true : undefined));
    expect(statuses).toEqual([202, 202, 422]);
  });

  it("steers a working run, which continues with the longer chain", async () => {
    const statuses: number[] = [];
    pass = async (_body, headers) => {
      const body = { message: "next", on_busy: "steer" };
      const posted = await post("/v1/threads/thread-steered/runs", body, headers);
      statuses.push(posted.status);
      return posted;
    };
    await makeHook(relayUrl());
    const held = new Promise<ModelCall>((resolve) => {
      answer = resolve;
    });
    const working = await startRun("thread-steered");
    const call = await held;
    answer = say;
    await startRun("thread-steers");
    await untilEnded(async () => (statuses.length > 0 ? true : undefined));
    say(call);
    await untilEnded(async () => (statuses.includes(422) ? true : undefined));
    expect(statuses).toEqual([202, 202, 422]);
    expect(await readRun(working)).toMatchObject({ hops: 1 });
  });
});

describe("two users whose webhooks call each other's triggers", () => {
  it("end after three runs, and neither receives the other's ids", async () => {
    const { api_key } = await first<{ api_key: string }>("POST", "/v1/users", { user_id: "user_other" });
    const other: Ask = async (method, path, body) => {
      const answered = await taskloom.request(method, path, body, { authorization: `Bearer ${api_key}` });
      return (await answered.json()) as never;
    };
    const [ours, theirs] = [await makeTrigger(), await makeTrigger({}, other)];
    await makeHook(doorOf(theirs));
    await makeHook(doorOf(ours), "run.completed", other);
    await startRun("thread-between");
    const refusing = await untilRefused(theirs, other);
    expect(refusing.map(({ status }) => status)).toEqual(["refused", "accepted"]);
    expect(await readRun(refusing[1] as Logged, other)).toMatchObject({
      hops: 1,
      caused_by: [{ trigger_id: theirs, thread_id: null, invocation_id: null }],
    });
  });
});
