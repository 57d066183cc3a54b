// Batches of deliveries to receivers that answer immediately, late or never: the fate of each message, and what blocks
// what.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { insertDelivery, storeVerified } from "../../../test/fakes/deliveries.ts";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { FakeClock, settle } from "../../../test/fakes/stream.ts";
import { makeSigningSecret } from "../signing.ts";
import { deliverTogether, noOpenTries, type OpenTries } from "./deliver-together.ts";
import type { DeliveryPorts } from "./deliver-webhook.ts";

const NEVER = new Promise<Response>(() => {});
const answered = async () => new Response(null, { status: 204 });

let d1: SqliteD1;
let clock: FakeClock;
let ports: DeliveryPorts;
let receive: () => Promise<Response>;
let asked: number;
let open: OpenTries;
let behind: Promise<unknown>[];
let outcomes: string[];

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  d1 = openD1();
  clock = new FakeClock();
  asked = 0;
  open = noOpenTries();
  behind = [];
  outcomes = [];
  receive = answered;
  ports = {
    database: d1.binding,
    encryption_keys: ["a key"],
    private_urls_allowed: false,
    fetch: () => {
      asked += 1;
      return receive();
    },
    sendJob: async () => {},
    clock,
    random: () => 0,
  };
  await storeVerified(ports, d1, makeSigningSecret());
});

const statuses = () => d1.read<{ status: string }>("SELECT status FROM deliveries").map(({ status }) => status);

/** A batch with this many new deliveries. */
function bring(count: number): Promise<void> {
  const messages = Array.from({ length: count }, () => {
    const delivery_id = `del_${outcomes.length}`;
    const index = outcomes.push("waits") - 1;
    insertDelivery(d1, delivery_id, { due: clock.now() + 20_000 });
    return {
      message: {
        ack: () => void outcomes.splice(index, 1, "ack"),
        retry: (options?: QueueRetryOptions) => void outcomes.splice(index, 1, `retry ${options?.delaySeconds}`),
      },
      job: { type: "deliver_webhook" as const, user_id: "user_1", webhook_id: "hook_1", delivery_id },
      fail: () => void outcomes.splice(index, 1, "failed"),
    };
  });
  return deliverTogether(messages, ports, (promise) => void behind.push(promise), open);
}

/** Resolves when this many receivers were called. */
async function untilAsked(count: number): Promise<void> {
  while (asked < count) await settle();
}

describe("a batch of deliveries", () => {
  it("is delivered completely if the receivers answer", async () => {
    await bring(20);
    expect(outcomes).toEqual(Array.from({ length: 20 }, () => "ack"));
    expect(statuses()).toEqual(Array.from({ length: 20 }, () => "delivered"));
    expect([behind.length, open.webhooks.size + open.users.size]).toEqual([0, 0]);
  });

  it("calls five receivers at once", async () => {
    const answers: (() => void)[] = [];
    receive = () => new Promise((resolve) => answers.push(() => resolve(new Response(null, { status: 204 }))));
    const done = bring(7);
    await untilAsked(5);
    await settle();
    expect(asked).toBe(5);
    answers[0]?.();
    await untilAsked(6);
    answers[1]?.();
    await untilAsked(7);
    for (const answer of answers) answer();
    await done;
    expect(statuses()).toEqual(Array.from({ length: 7 }, () => "delivered"));
  });

  it("does not wait for a slow receiver, whose try continues and is recorded when it ends", async () => {
    receive = () => NEVER;
    const done = bring(7);
    await untilAsked(5);
    clock.advance(250);
    await done;
    // All connections are taken: the other deliveries come with another batch.
    expect(outcomes).toEqual(["ack", "ack", "ack", "ack", "ack", "retry 1", "retry 1"]);
    expect([asked, open.webhooks.get("hook_1"), behind.length]).toEqual([5, 5, 5]);
    clock.advance(10_000);
    await Promise.all(behind);
    expect(open.webhooks.size + open.users.size).toBe(0);
    const tries = d1.read<{ tries: string }>("SELECT tries FROM deliveries WHERE attempts = 1");
    expect(tries.map(({ tries }) => JSON.parse(tries)[0].error)).toEqual(
      Array.from({ length: 5 }, () => "It did not answer within 10 s."),
    );
  });

  it("postpones deliveries to a webhook with twenty open tries", async () => {
    open.webhooks.set("hook_1", 20);
    await bring(3);
    expect(outcomes).toEqual(["retry 10", "retry 10", "retry 10"]);
    expect(asked).toBe(0);
    open.webhooks.set("hook_1", 19);
    open.webhooks.set("hook_2", 20);
    await bring(1);
    expect(outcomes.at(-1)).toBe("ack");
  });

  it("postpones all deliveries while two hundred tries are open", async () => {
    for (let index = 2; index < 6; index++) open.users.set(`user_${index}`, 50);
    await bring(1);
    expect(outcomes).toEqual(["retry 10"]);
  });

  it("postpones those of a user with fifty open tries, whose webhooks could take all", async () => {
    open.users.set("user_1", 50);
    await bring(1);
    expect([outcomes, asked]).toEqual([["retry 10"], 0]);
    open.users.set("user_1", 49);
    open.users.set("user_2", 50);
    await bring(1);
    expect(outcomes.at(-1)).toBe("ack");
  });

  it("begins with the first of each user, so that one user's slow receivers hold up nobody else's", async () => {
    receive = () => NEVER;
    const seen: string[] = [];
    const users = ["user_1", "user_1", "user_1", "user_1", "user_1", "user_1", "user_2"];
    const messages = users.map((user_id, place) => ({
      message: { ack: () => {}, retry: () => void seen.push(`${user_id} ${place}`) },
      job: { type: "deliver_webhook" as const, user_id, webhook_id: "hook_1", delivery_id: `del_${place}` },
      fail: () => {},
    }));
    for (const place of users.keys()) insertDelivery(d1, `del_${place}`, { due: clock.now() + 20_000 });
    const done = deliverTogether(messages, ports, (promise) => void behind.push(promise), open);
    await untilAsked(5);
    clock.advance(250);
    await done;
    expect(seen).toEqual(["user_1 5"]);
  });

  it("reports each failed delivery and continues with the next", async () => {
    const { database } = ports;
    let times = 0;
    const failing = {
      ...database,
      batch: (statements: D1PreparedStatement[]) =>
        times++ < 2 ? Promise.reject(new Error("D1 is away")) : database.batch(statements),
    };
    ports.database = Object.assign(Object.create(database), failing) as D1Database;
    await bring(7);
    expect(outcomes.toSorted()).toEqual(["ack", "ack", "ack", "ack", "ack", "failed", "failed"]);
    expect(open.webhooks.size + open.users.size).toBe(0);
  });
});
