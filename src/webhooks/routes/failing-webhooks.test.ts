// Webhooks whose receivers stay away, and deliveries that meet a change on their way.
import { beforeEach, describe, expect, it } from "vitest";
import { type DeliveryWorld, openDeliveries, secret } from "../../../test/fakes/delivery-world.ts";

let world: DeliveryWorld;

beforeEach(async () => {
  world = await openDeliveries();
});

describe("a receiver that is unavailable", () => {
  it("is tried for a day and then disabled with a reason, and its waiting deliveries end", async () => {
    world.receive = () => new Response(null, { status: 503 });
    world.add("del_waits");
    const waits = await world.deliverOn();
    expect(waits[0]).toBeLessThan(30_000);
    expect(world.requests).toHaveLength(10);
    expect(world.readDelivery()).toMatchObject({ status: "failed", attempts: 10, next_attempt_at: null });
    expect(world.readDelivery().finished_at).not.toBeNull();
    expect(world.readWebhook()).toMatchObject({
      enabled: 0,
      disabled_at: new Date(world.clock.now()).toISOString(),
      disabled_reason: expect.stringMatching(/^Nothing has gone through for 24 hours.*It answered 503/),
    });
    expect(world.readDelivery("del_waits")).toMatchObject({ status: "failed", attempts: 0, next_attempt_at: null });
    expect(world.readDelivery("del_waits").tries).toMatchObject([{ status: null, error: "The webhook is disabled." }]);
    expect(world.written.join("\n")).toMatch(/"event":"webhook_disabled"/);
  });

  it("is not disabled if any delivery succeeded within the day", async () => {
    let count = 0;
    world.receive = () => new Response(null, { status: 503 });
    world.add("del_2");
    const failing = world.deliverOn();
    world.receive = () => new Response(null, { status: ++count === 8 ? 200 : 503 });
    await failing;
    world.receive = () => new Response(null, { status: 503 });
    await world.deliver("del_2");
    expect(world.readWebhook()).toMatchObject({ enabled: 1, failing_since: new Date(world.clock.now()).toISOString() });
  });

  it("is disabled immediately if it answers 410", async () => {
    world.receive = () => new Response(null, { status: 410 });
    world.add("del_2");
    await world.deliver();
    expect(world.readWebhook()).toMatchObject({ enabled: 0, disabled_reason: expect.stringMatching(/410 Gone/) });
    expect([world.readDelivery().status, world.readDelivery("del_2").status]).toEqual(["failed", "failed"]);
    expect(world.readDelivery().tries).toHaveLength(1);
    expect(world.jobs).toEqual([]);
    await world.deliver("del_2");
    expect(world.requests).toHaveLength(1);
  });

  it("is not blamed for failures of the webhook's former address", async () => {
    world.receive = () => {
      world.d1.read("UPDATE webhooks SET url = 'https://elsewhere.example/'");
      return new Response(null, { status: 410 });
    };
    await world.deliver();
    expect(world.readWebhook()).toMatchObject({ enabled: 1, failing_since: null });
  });
});

describe("a delivery in an exceptional state", () => {
  it("ends if its webhook is disabled, and is deleted if its webhook was deleted", async () => {
    world.d1.read("UPDATE webhooks SET enabled = 0");
    await world.deliver();
    expect(world.readDelivery()).toMatchObject({ status: "failed", next_attempt_at: null });
    expect(world.readDelivery().tries).toMatchObject([{ error: "The webhook is disabled." }]);
    world.add("del_2");
    world.d1.read("DELETE FROM webhooks");
    await world.deliver("del_2");
    expect(world.d1.read("SELECT 1 FROM deliveries")).toEqual([]);
    expect(world.requests).toEqual([]);
  });

  it("says what is wrong with the secret and waits until it is rotated", async () => {
    world.ports = { ...world.ports, encryption_keys: ["another key"] };
    await world.deliver();
    expect(world.readDelivery().tries).toMatchObject([{ error: expect.stringMatching(/can't be opened.*Rotate it/) }]);
    world.ports = { ...world.ports, encryption_keys: [] };
    world.clock.advance(15_000);
    await world.deliver();
    world.d1.read("DELETE FROM secrets");
    world.clock.advance(60_000);
    await world.deliver();
    expect(world.readDelivery()).toMatchObject({ status: "pending", attempts: 3 });
    expect(world.requests).toEqual([]);
  });

  it("that was replayed during a try records that try and sends the replay", async () => {
    world.receive = () => {
      world.d1.read(
        "UPDATE deliveries SET attempts = 0, next_attempt_at = ?",
        new Date(world.clock.now() + 20_000).toISOString(),
      );
      return new Response(null, { status: 500 });
    };
    await world.deliver();
    expect(world.readDelivery()).toMatchObject({ status: "pending", attempts: 0 });
    world.receive = () => new Response(null);
    await world.deliver();
    expect(world.readDelivery().tries.map(({ status }) => status)).toEqual([500, 200]);
    expect(world.readDelivery()).toMatchObject({ status: "delivered", attempts: 1 });
  });
});

describe("a try that succeeds while its delivery is given up", () => {
  it("makes the delivery count as delivered", async () => {
    world.receive = () => {
      world.d1.read("UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, finished_at = '2026'");
      return new Response(null);
    };
    await world.deliver();
    expect(world.readDelivery()).toMatchObject({ status: "delivered", next_attempt_at: null });
  });
});

describe("the log of tries", () => {
  it("keeps the newest twelve, without the secret", async () => {
    world.receive = () => new Response(null, { status: 500 });
    for (let round = 0; round < 3; round++) {
      world.d1.read("UPDATE webhooks SET enabled = 1, failing_since = NULL");
      world.d1.read("UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = ''");
      for (let time = 0; time < 6; time++) {
        await world.deliver();
        world.clock.advance(12 * 3_600_000);
      }
    }
    const times = world.readDelivery().tries.map(({ at }) => at);
    expect(times).toHaveLength(12);
    expect(times).toEqual(times.toSorted());
    const rows = world.d1.read("SELECT * FROM deliveries, webhooks, secrets");
    expect(JSON.stringify([rows, world.written, world.jobs])).not.toContain(secret.slice(6, 20));
  });
});
