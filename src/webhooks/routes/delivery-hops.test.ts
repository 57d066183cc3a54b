// The hops that a delivery carries, and the fate of a delivery with too many.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { insertDelivery, storeVerified } from "../../../test/fakes/deliveries.ts";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { FakeClock } from "../../../test/fakes/stream.ts";
import { makeSigningSecret } from "../signing.ts";
import { type DeliveryPorts, deliverWebhook } from "./deliver-webhook.ts";

const DAY_MS = 24 * 3_600_000;
const refusal = { status: 422, headers: { "taskloom-hops": "3" } };

let d1: SqliteD1;
let clock: FakeClock;
let ports: DeliveryPorts;
/** How the receiver answers. */
let answer: ResponseInit;
let counts: (string | null)[];
let delays: number[];

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  d1 = openD1();
  clock = new FakeClock();
  clock.advance(60 * DAY_MS);
  answer = { status: 204 };
  counts = [];
  delays = [];
  ports = {
    database: d1.binding,
    encryption_keys: ["a key"],
    private_urls_allowed: false,
    fetch: async (_url, init) => {
      counts.push(new Headers(init.headers).get("taskloom-hops"));
      return new Response(null, answer);
    },
    sendJob: async (_job, delay_ms) => void delays.push(delay_ms),
    clock,
    random: () => 0,
  };
  await storeVerified(ports, d1, makeSigningSecret());
});

function add(delivery_id: string, data: Record<string, unknown> = {}): void {
  insertDelivery(d1, delivery_id, { due: clock.now() + 20_000 });
  const payload = JSON.stringify({ type: "run.completed", data });
  d1.read("UPDATE deliveries SET payload = ? WHERE delivery_id = ?", payload, delivery_id);
}

const deliver = (delivery_id: string) =>
  deliverWebhook({ user_id: "user_1", webhook_id: "hook_1", delivery_id }, ports);

const readDelivery = (delivery_id: string) =>
  d1.read<Record<string, unknown>>("SELECT * FROM deliveries WHERE delivery_id = ?", delivery_id)[0];

describe("a delivery", () => {
  it("carries the count that it was made with in each try, and counts as the first hop without one", async () => {
    answer = { status: 500 };
    add("del_1", { taskloom_hops: 2 });
    await deliver("del_1");
    clock.advance(15_000);
    await deliver("del_1");
    add("del_2");
    await deliver("del_2");
    expect(counts).toEqual(["2", "2", "1"]);
  });

  it("ends if a trigger refuses its count, without a failure of its webhook", async () => {
    answer = refusal;
    for (let day = 1; day < 9; day++) {
      add(`del_${day}`, { taskloom_hops: 3 });
      await deliver(`del_${day}`);
      clock.advance(DAY_MS);
    }
    expect(readDelivery("del_1")).toMatchObject({
      status: "failed",
      attempts: 1,
      next_attempt_at: null,
      tries: expect.stringMatching(/"status":422,"error":"[^"]*is not tried again/),
    });
    expect(delays).toEqual([]);
    expect(d1.read("SELECT enabled, failing_since FROM webhooks")).toEqual([{ enabled: 1, failing_since: null }]);
  });

  it.each([{ status: 422 }, { ...refusal, status: 500 }, { ...refusal, status: 403 }])(
    "is retried after any other answer: %j",
    async (other) => {
      answer = other;
      add("del_1", { taskloom_hops: 3 });
      await deliver("del_1");
      expect(delays).toEqual([15_000]);
      expect(d1.read("SELECT failing_since FROM webhooks")).toEqual([{ failing_since: expect.any(String) }]);
    },
  );
});
