// Tries of deliveries with the store's real statements, and with a receiver and a clock that the test controls.
import { Webhook as Verifier } from "standardwebhooks";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { payload, webhook } from "../../../test/fakes/deliveries.ts";
import {
  DAY_MS,
  type DeliveryWorld,
  openDeliveries,
  type Receiver,
  secret,
} from "../../../test/fakes/delivery-world.ts";
import { FakeClock } from "../../../test/fakes/stream.ts";
import { firstIdAt } from "../../protocol/ids.ts";

const { url } = webhook;
const streamed = (pull: (controller: ReadableStreamDefaultController) => void | Promise<void>) =>
  new Response(new ReadableStream({ pull }));

let world: DeliveryWorld;

beforeEach(async () => {
  world = await openDeliveries();
});

describe("a delivery", () => {
  it("is posted once, signed, and recorded as delivered", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: world.clock.now() });
    await world.deliver();
    const [request] = world.requests;
    const headers = Object.fromEntries(new Headers(request?.init.headers));
    expect(request).toMatchObject({ url, init: { method: "POST", redirect: "manual", body: payload } });
    expect(headers).toMatchObject({ "content-type": "application/json", "webhook-id": "del_1" });
    expect(headers["user-agent"]).toMatch(/^Taskloom\//);
    expect(new Verifier(secret).verify(payload, headers)).toMatchObject({ type: "run.completed" });
    vi.useRealTimers();
    expect(world.readDelivery()).toMatchObject({ status: "delivered", attempts: 1, next_attempt_at: null });
    expect(world.readDelivery().tries).toEqual([{ at: expect.any(String), status: 204, error: null, duration_ms: 0 }]);
    await world.deliver();
    expect(world.requests).toHaveLength(1);
    expect(world.jobs).toEqual([]);
  });

  it("is posted once if twenty jobs claim it at once", async () => {
    await Promise.all(Array.from({ length: 20 }, () => world.deliver()));
    expect(world.requests).toHaveLength(1);
    expect(world.readDelivery()).toMatchObject({ status: "delivered", attempts: 1 });
  });

  it("is not tried before it is due, and then once", async () => {
    world.receive = () => new Response("no", { status: 500 });
    await world.deliver();
    expect(world.jobs).toMatchObject([
      {
        job: { type: "deliver_webhook", user_id: "user_1", webhook_id: "hook_1", delivery_id: "del_1" },
        delay_ms: 15_000,
      },
    ]);
    world.clock.advance(13_000);
    await world.deliver();
    expect(world.requests).toHaveLength(1);
    world.clock.advance(2_000);
    world.receive = () => new Response("yes");
    await Promise.all([world.deliver(), world.deliver()]);
    expect(world.requests).toHaveLength(2);
    expect(world.readDelivery()).toMatchObject({ status: "delivered", attempts: 2 });
    expect(world.readDelivery().tries.map(({ status, error }) => [status, error])).toEqual([
      [500, "It answered 500."],
      [200, null],
    ]);
    expect(world.readWebhook()).toMatchObject({ failing_since: null, enabled: 1 });
  });

  it.each([
    // The reference is random, and may spell a word that means something elsewhere.
    ["internal error; reference = 4dnstls0ssl", /not found or leads to a private network, or no secure connection/],
    ["Network connection lost.", /was not reached, or the connection broke/],
  ])("that fails with %j says what may be wrong, and is tried again", async (message, words) => {
    world.receive = () => Promise.reject(new Error(message));
    await world.deliver();
    expect(world.readDelivery().tries).toMatchObject([{ status: null, error: expect.stringMatching(words) }]);
    expect(world.jobs).toHaveLength(1);
  });

  it("becomes due again under the same id if a try crashed", async () => {
    world.receive = () => new Promise(() => {});
    const asked = world.untilAsked();
    void world.deliver().catch(() => {});
    await asked;
    world.clock.advance(9_000);
    await world.deliver();
    expect(world.requests).toHaveLength(1);
    // Nothing is left of the process that sent it, including its timers.
    world.clock = new FakeClock();
    world.clock.advance(60 * DAY_MS + 30_000);
    world.ports = { ...world.ports, clock: world.clock };
    world.receive = () => new Response(null);
    await world.deliver();
    expect(world.requests.map(({ init }) => new Headers(init.headers).get("webhook-id"))).toEqual(["del_1", "del_1"]);
    expect(world.readDelivery()).toMatchObject({ status: "delivered", attempts: 2 });
  });

  it("keeps to its schedule if the queue takes no job", async () => {
    world.receive = () => new Response(null, { status: 500 });
    world.ports = { ...world.ports, sendJob: () => Promise.reject(new Error("the queue is away")) };
    await world.deliver();
    expect(Date.parse(String(world.readDelivery().next_attempt_at)) - world.clock.now()).toBe(15_000);
  });

  it("deletes old finished deliveries of its webhook when it ends, and no others", async () => {
    const old = new Date(world.clock.now() - 31 * DAY_MS).toISOString();
    const oldId = (index: number) => `${firstIdAt("del", world.clock.now() - 31 * DAY_MS)}_${index}`;
    for (let index = 0; index < 25; index++) world.add(oldId(index), { status: "failed", finished_at: old });
    world.add(oldId(98));
    world.add(oldId(99), { status: "delivered", finished_at: new Date(world.clock.now()).toISOString() });
    world.add("del_2");
    await world.deliver();
    expect(world.d1.read("SELECT 1 FROM deliveries")).toHaveLength(29 - 20);
    await world.deliver("del_2");
    expect(
      world.d1.read<{ delivery_id: string }>("SELECT delivery_id FROM deliveries").map((row) => row.delivery_id),
    ).toEqual(expect.arrayContaining(["del_1", "del_2", oldId(98), oldId(99)]));
    expect(world.d1.read("SELECT 1 FROM deliveries")).toHaveLength(4);
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
    world.receive = receiver;
    await world.deliver();
    expect(world.readDelivery()).toMatchObject({ status: "pending", attempts: 1 });
    expect(world.readDelivery().tries).toEqual([
      { at: expect.any(String), status, error: expect.stringMatching(error), duration_ms: 0 },
    ]);
    expect(world.requests).toHaveLength(1);
    expect(JSON.stringify([world.readDelivery().tries, world.written])).not.toMatch(/in-the-address|secret words/);
  });

  it.each<[string, Receiver]>([
    ["is silent", () => new Promise(() => {})],
    ["falls silent within its answer", () => streamed(() => new Promise(() => {}))],
  ])("%s, after ten seconds, and is not awaited", async (_what, receiver) => {
    world.receive = receiver;
    const asked = world.untilAsked();
    const done = world.deliver();
    await asked;
    world.clock.advance(10_000);
    await done;
    expect(world.readDelivery().tries).toMatchObject([
      { error: "It did not answer within 10 s.", duration_ms: 10_000 },
    ]);
    expect(world.requests[0]?.init.signal?.aborted).toBe(true);
    expect(world.jobs).toHaveLength(1);
  });

  it("asks for time with Retry-After, which it gets if its status permits that", async () => {
    const delays: number[] = [];
    for (const [status, asked] of [
      [503, "90"],
      [429, "86400"],
      [500, "90"],
      [503, "soon"],
    ] as const) {
      world.receive = () => new Response(null, { status, headers: { "retry-after": asked } });
      world.add(`del_${status}_${asked}`);
      await world.deliver(`del_${status}_${asked}`);
      delays.push(world.jobs.pop()?.delay_ms ?? 0);
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
    world.d1.read("UPDATE webhooks SET url = ?", address);
    await world.deliver();
    expect(world.requests).toEqual([]);
    expect(world.readDelivery().tries).toMatchObject([
      { status: null, error: expect.stringMatching(/^The address is not reached: it is/) },
    ]);
    world.ports = { ...world.ports, private_urls_allowed: true };
    world.clock.advance(15_000);
    await world.deliver();
    expect(world.requests).toMatchObject([{ url: address }]);
  });
});
