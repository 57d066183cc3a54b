// Tries of deliveries with the store's real statements, and with a receiver and a clock that the test controls.
import { Webhook as Verifier } from "standardwebhooks";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { insertDelivery, payload, storeVerified, webhook } from "../../../test/fakes/deliveries.ts";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { FakeClock } from "../../../test/fakes/stream.ts";
import { firstIdAt } from "../../protocol/ids.ts";
import type { Job } from "../../protocol/job.ts";
import type { DeliveryTry } from "../../protocol/webhook.ts";
import { makeSigningSecret } from "../signing.ts";
import { type DeliveryPorts, deliverWebhook } from "./deliver-webhook.ts";

const DAY_MS = 24 * 3_600_000;
const secret = makeSigningSecret();
const { url } = webhook;
const streamed = (pull: (controller: ReadableStreamDefaultController) => void | Promise<void>) =>
  new Response(new ReadableStream({ pull }));

type Receiver = (request: { url: string; init: RequestInit }) => Response | Promise<Response>;

let d1: SqliteD1;
let clock: FakeClock;
let ports: DeliveryPorts;
let receive: Receiver;
let jobs: { job: Job; delay_ms: number }[];
let requests: { url: string; init: RequestInit }[];
let written: string[];
/** Called when the receiver gets a request. */
let onRequest: () => void;

beforeEach(async () => {
  d1 = openD1();
  clock = new FakeClock();
  clock.advance(60 * DAY_MS);
  jobs = [];
  requests = [];
  onRequest = () => {};
  receive = () => new Response(null, { status: 204 });
  ports = {
    database: d1.binding,
    encryption_keys: ["a key"],
    private_urls_allowed: false,
    fetch: async (url, init) => {
      requests.push({ url, init });
      onRequest();
      return await receive({ url, init });
    },
    sendJob: async (job, delay_ms) => void jobs.push({ job, delay_ms }),
    clock,
    random: () => 0,
  };
  written = [];
  for (const name of ["log", "warn", "error"] as const) {
    vi.spyOn(console, name).mockImplementation((...line) => void written.push(line.join(" ")));
  }
  await storeVerified(ports, d1, secret);
  addDelivery("del_1");
});

const addDelivery = (delivery_id: string, part: { status?: string; finished_at?: string } = {}) =>
  insertDelivery(d1, delivery_id, { due: clock.now() + 20_000, ...part });

const nameOf = (delivery_id: string) => ({ user_id: "user_1", webhook_id: "hook_1", delivery_id });
const deliver = (delivery_id = "del_1") => deliverWebhook(nameOf(delivery_id), ports);

const untilAsked = () =>
  new Promise<void>((resolve) => {
    onRequest = resolve;
  });

function readDelivery(delivery_id = "del_1") {
  const [row] = d1.read<Record<string, unknown>>("SELECT * FROM deliveries WHERE delivery_id = ?", delivery_id);
  return { ...row, tries: JSON.parse(String(row?.tries)) as DeliveryTry[] } as Record<string, unknown> & {
    tries: DeliveryTry[];
  };
}

function readWebhook(): Record<string, unknown> | undefined {
  return d1.read<Record<string, unknown>>("SELECT * FROM webhooks")[0];
}

/** Processes the jobs of a delivery, each when it is due, until none is left. */
async function deliverOn(): Promise<number[]> {
  const waits: number[] = [];
  await deliver();
  for (let next = jobs.shift(); next !== undefined; next = jobs.shift()) {
    waits.push(next.delay_ms);
    clock.advance(next.delay_ms);
    await deliver();
  }
  return waits;
}

describe("a delivery", () => {
  it("is posted once, signed, and recorded as delivered", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: clock.now() });
    await deliver();
    const [request] = requests;
    const headers = Object.fromEntries(new Headers(request?.init.headers));
    expect(request).toMatchObject({ url, init: { method: "POST", redirect: "manual", body: payload } });
    expect(headers).toMatchObject({ "content-type": "application/json", "webhook-id": "del_1" });
    expect(headers["user-agent"]).toMatch(/^Taskloom\//);
    expect(new Verifier(secret).verify(payload, headers)).toMatchObject({ type: "run.completed" });
    vi.useRealTimers();
    expect(readDelivery()).toMatchObject({ status: "delivered", attempts: 1, next_attempt_at: null });
    expect(readDelivery().tries).toEqual([{ at: expect.any(String), status: 204, error: null, duration_ms: 0 }]);
    await deliver();
    expect(requests).toHaveLength(1);
    expect(jobs).toEqual([]);
  });

  it("is posted once if twenty jobs claim it at once", async () => {
    await Promise.all(Array.from({ length: 20 }, () => deliver()));
    expect(requests).toHaveLength(1);
    expect(readDelivery()).toMatchObject({ status: "delivered", attempts: 1 });
  });

  it("is not tried before it is due, and then once", async () => {
    receive = () => new Response("no", { status: 500 });
    await deliver();
    expect(jobs).toMatchObject([{ job: { type: "deliver_webhook", ...nameOf("del_1") }, delay_ms: 15_000 }]);
    clock.advance(13_000);
    await deliver();
    expect(requests).toHaveLength(1);
    clock.advance(2_000);
    receive = () => new Response("yes");
    await Promise.all([deliver(), deliver()]);
    expect(requests).toHaveLength(2);
    expect(readDelivery()).toMatchObject({ status: "delivered", attempts: 2 });
    expect(readDelivery().tries.map(({ status, error }) => [status, error])).toEqual([
      [500, "It answered 500."],
      [200, null],
    ]);
    expect(readWebhook()).toMatchObject({ failing_since: null, enabled: 1 });
  });

  it.each([
    // The reference is random, and may spell a word that means something elsewhere.
    ["internal error; reference = 4dnstls0ssl", /not found or leads to a private network, or no secure connection/],
    ["Network connection lost.", /was not reached, or the connection broke/],
  ])("that fails with %j says what may be wrong, and is tried again", async (message, words) => {
    receive = () => Promise.reject(new Error(message));
    await deliver();
    expect(readDelivery().tries).toMatchObject([{ status: null, error: expect.stringMatching(words) }]);
    expect(jobs).toHaveLength(1);
  });

  it("becomes due again under the same id if a try crashed", async () => {
    receive = () => new Promise(() => {});
    const asked = untilAsked();
    void deliver().catch(() => {});
    await asked;
    clock.advance(9_000);
    await deliver();
    expect(requests).toHaveLength(1);
    // Nothing is left of the process that sent it, including its timers.
    clock = new FakeClock();
    clock.advance(60 * DAY_MS + 30_000);
    ports = { ...ports, clock };
    receive = () => new Response(null);
    await deliver();
    expect(requests.map(({ init }) => new Headers(init.headers).get("webhook-id"))).toEqual(["del_1", "del_1"]);
    expect(readDelivery()).toMatchObject({ status: "delivered", attempts: 2 });
  });

  it("keeps to its schedule if the queue takes no job", async () => {
    receive = () => new Response(null, { status: 500 });
    ports = { ...ports, sendJob: () => Promise.reject(new Error("the queue is away")) };
    await deliver();
    expect(Date.parse(String(readDelivery().next_attempt_at)) - clock.now()).toBe(15_000);
  });

  it("deletes old finished deliveries of its webhook when it ends, and no others", async () => {
    const old = new Date(clock.now() - 31 * DAY_MS).toISOString();
    const oldId = (index: number) => `${firstIdAt("del", clock.now() - 31 * DAY_MS)}_${index}`;
    for (let index = 0; index < 25; index++) addDelivery(oldId(index), { status: "failed", finished_at: old });
    addDelivery(oldId(98));
    addDelivery(oldId(99), { status: "delivered", finished_at: new Date(clock.now()).toISOString() });
    addDelivery("del_2");
    await deliver();
    expect(d1.read("SELECT 1 FROM deliveries")).toHaveLength(29 - 20);
    await deliver("del_2");
    expect(
      d1.read<{ delivery_id: string }>("SELECT delivery_id FROM deliveries").map((row) => row.delivery_id),
    ).toEqual(expect.arrayContaining(["del_1", "del_2", oldId(98), oldId(99)]));
    expect(d1.read("SELECT 1 FROM deliveries")).toHaveLength(4);
  });
});

describe("a try fails if the receiver", () => {
  const endless = () => streamed((controller) => controller.enqueue(new Uint8Array(65_536)));
  it.each<[string, Receiver, RegExp, number | null]>([
    ["answers 500", () => new Response("secret words of the peer", { status: 500 }), /^It answered 500\.$/, 500],
    ["answers 404", () => new Response(null, { status: 404 }), /^It answered 404/, 404],
    ["is out of reach", () => new Response("error code: 1042\n", { status: 404 }), /^It was not .*another Worker/, 404],
    [
      "redirects",
      () => new Response(null, { status: 307, headers: { location: "http://169.254.169.254/" } }),
      /^It answered 307, a redirect, which is not followed/,
      307,
    ],
    ["sends without end", endless, /^The answer is longer than 256 KiB/, 200],
    ["breaks off", () => Promise.reject(new Error(`Network connection lost. ${url}`)), /connection broke/, null],
    ["has no name", () => Promise.reject(new Error("DNS lookup failed.")), /host was not found/, null],
    ["has a bad certificate", () => Promise.reject(new Error("TLS peer's certificate")), /No secure connection/, null],
    [
      "breaks off within its answer",
      () => streamed((controller) => controller.error(new Error("reset"))),
      /connection broke/,
      null,
    ],
  ])("%s", async (_what, receiver, error, status) => {
    receive = receiver;
    await deliver();
    expect(readDelivery()).toMatchObject({ status: "pending", attempts: 1 });
    expect(readDelivery().tries).toEqual([
      { at: expect.any(String), status, error: expect.stringMatching(error), duration_ms: 0 },
    ]);
    expect(requests).toHaveLength(1);
    expect(JSON.stringify([readDelivery().tries, written])).not.toMatch(/in-the-address|secret words/);
  });

  it.each<[string, Receiver]>([
    ["is silent", () => new Promise(() => {})],
    ["falls silent within its answer", () => streamed(() => new Promise(() => {}))],
  ])("%s, after ten seconds, and is not awaited", async (_what, receiver) => {
    receive = receiver;
    const asked = untilAsked();
    const done = deliver();
    await asked;
    clock.advance(10_000);
    await done;
    expect(readDelivery().tries).toMatchObject([{ error: "It did not answer within 10 s.", duration_ms: 10_000 }]);
    expect(requests[0]?.init.signal?.aborted).toBe(true);
    expect(jobs).toHaveLength(1);
  });

  it("asks for time with Retry-After, which it gets if its status permits that", async () => {
    const delays: number[] = [];
    for (const [status, asked] of [
      [503, "90"],
      [429, "86400"],
      [500, "90"],
      [503, "soon"],
    ] as const) {
      receive = () => new Response(null, { status, headers: { "retry-after": asked } });
      addDelivery(`del_${status}_${asked}`);
      await deliver(`del_${status}_${asked}`);
      delays.push(jobs.pop()?.delay_ms ?? 0);
    }
    expect(delays).toEqual([90_000, 3_600_000, 15_000, 15_000]);
  });
});

describe("a webhook's address", () => {
  it.each([
    "http://127.0.0.1:8080/",
    "http://[::1]/",
    "https://169.254.169.254/latest",
    "http://10.0.0.8/",
    "https://metadata.internal/",
  ])("is not called if it is private, whatever was allowed when it was stored: %s", async (address) => {
    d1.read("UPDATE webhooks SET url = ?", address);
    await deliver();
    expect(requests).toEqual([]);
    expect(readDelivery().tries).toMatchObject([
      { status: null, error: expect.stringMatching(/^The address is not reached: it is/) },
    ]);
    ports = { ...ports, private_urls_allowed: true };
    clock.advance(15_000);
    await deliver();
    expect(requests).toMatchObject([{ url: address }]);
  });
});

describe("a receiver that is unavailable", () => {
  it("is tried for a day and then disabled with a reason, and its waiting deliveries end", async () => {
    receive = () => new Response(null, { status: 503 });
    addDelivery("del_waits");
    const waits = await deliverOn();
    expect(waits[0]).toBeLessThan(30_000);
    expect(requests).toHaveLength(10);
    expect(readDelivery()).toMatchObject({ status: "failed", attempts: 10, next_attempt_at: null });
    expect(readDelivery().finished_at).not.toBeNull();
    expect(readWebhook()).toMatchObject({
      enabled: 0,
      disabled_at: new Date(clock.now()).toISOString(),
      disabled_reason: expect.stringMatching(/^Nothing has gone through for 24 hours.*It answered 503/),
    });
    expect(readDelivery("del_waits")).toMatchObject({ status: "failed", attempts: 0, next_attempt_at: null });
    expect(readDelivery("del_waits").tries).toMatchObject([{ status: null, error: "The webhook is disabled." }]);
    expect(written.join("\n")).toMatch(/"event":"webhook_disabled"/);
  });

  it("is not disabled if any delivery succeeded within the day", async () => {
    let count = 0;
    receive = () => new Response(null, { status: 503 });
    addDelivery("del_2");
    const failing = deliverOn();
    receive = () => new Response(null, { status: ++count === 8 ? 200 : 503 });
    await failing;
    receive = () => new Response(null, { status: 503 });
    await deliver("del_2");
    expect(readWebhook()).toMatchObject({ enabled: 1, failing_since: new Date(clock.now()).toISOString() });
  });

  it("is disabled immediately if it answers 410", async () => {
    receive = () => new Response(null, { status: 410 });
    addDelivery("del_2");
    await deliver();
    expect(readWebhook()).toMatchObject({ enabled: 0, disabled_reason: expect.stringMatching(/410 Gone/) });
    expect([readDelivery().status, readDelivery("del_2").status]).toEqual(["failed", "failed"]);
    expect(readDelivery().tries).toHaveLength(1);
    expect(jobs).toEqual([]);
    await deliver("del_2");
    expect(requests).toHaveLength(1);
  });

  it("is not blamed for failures of the webhook's former address", async () => {
    receive = () => {
      d1.read("UPDATE webhooks SET url = 'https://elsewhere.example/'");
      return new Response(null, { status: 410 });
    };
    await deliver();
    expect(readWebhook()).toMatchObject({ enabled: 1, failing_since: null });
  });
});

describe("a delivery in an exceptional state", () => {
  it("ends if its webhook is disabled, and is deleted if its webhook was deleted", async () => {
    d1.read("UPDATE webhooks SET enabled = 0");
    await deliver();
    expect(readDelivery()).toMatchObject({ status: "failed", next_attempt_at: null });
    expect(readDelivery().tries).toMatchObject([{ error: "The webhook is disabled." }]);
    addDelivery("del_2");
    d1.read("DELETE FROM webhooks");
    await deliver("del_2");
    expect(d1.read("SELECT 1 FROM deliveries")).toEqual([]);
    expect(requests).toEqual([]);
  });

  it("says what is wrong with the secret and waits until it is rotated", async () => {
    ports = { ...ports, encryption_keys: ["another key"] };
    await deliver();
    expect(readDelivery().tries).toMatchObject([{ error: expect.stringMatching(/can't be opened.*Rotate it/) }]);
    ports = { ...ports, encryption_keys: [] };
    clock.advance(15_000);
    await deliver();
    d1.read("DELETE FROM secrets");
    clock.advance(60_000);
    await deliver();
    expect(readDelivery()).toMatchObject({ status: "pending", attempts: 3 });
    expect(requests).toEqual([]);
  });

  it("that was replayed during a try records that try and sends the replay", async () => {
    receive = () => {
      d1.read("UPDATE deliveries SET attempts = 0, next_attempt_at = ?", new Date(clock.now() + 20_000).toISOString());
      return new Response(null, { status: 500 });
    };
    await deliver();
    expect(readDelivery()).toMatchObject({ status: "pending", attempts: 0 });
    receive = () => new Response(null);
    await deliver();
    expect(readDelivery().tries.map(({ status }) => status)).toEqual([500, 200]);
    expect(readDelivery()).toMatchObject({ status: "delivered", attempts: 1 });
  });
});

describe("a try that succeeds while its delivery is given up", () => {
  it("makes the delivery count as delivered", async () => {
    receive = () => {
      d1.read("UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, finished_at = '2026'");
      return new Response(null);
    };
    await deliver();
    expect(readDelivery()).toMatchObject({ status: "delivered", next_attempt_at: null });
  });
});

describe("the log of tries", () => {
  it("keeps the newest twelve, without the secret", async () => {
    receive = () => new Response(null, { status: 500 });
    for (let round = 0; round < 3; round++) {
      d1.read("UPDATE webhooks SET enabled = 1, failing_since = NULL");
      d1.read("UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = ''");
      for (let time = 0; time < 6; time++) {
        await deliver();
        clock.advance(12 * 3_600_000);
      }
    }
    const times = readDelivery().tries.map(({ at }) => at);
    expect(times).toHaveLength(12);
    expect(times).toEqual(times.toSorted());
    const rows = d1.read("SELECT * FROM deliveries, webhooks, secrets");
    expect(JSON.stringify([rows, written, jobs])).not.toContain(secret.slice(6, 20));
  });
});
