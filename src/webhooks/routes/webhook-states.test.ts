// A property test of what a webhook may send and when, against a model: any order of changes, answers and failures,
// with tries that are under way while something changes.

import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { webhook } from "../../../test/fakes/deliveries.ts";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { FakeClock } from "../../../test/fakes/stream.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import type { DeliveryName } from "../../protocol/webhook.ts";
import { storeWebhook } from "../../secrets/webhook-keys.ts";
import type { ThreadBatch } from "../../store/batch.ts";
import { insertEventDeliveries } from "../../store/webhooks/event-deliveries.ts";
import { createPing } from "../../store/webhooks/pings.ts";
import { replayRange } from "../../store/webhooks/replays.ts";
import { updateWebhook } from "../../store/webhooks/webhooks.ts";
import { makeSigningSecret } from "../signing.ts";
import { type DeliveryPorts, deliverWebhook } from "./deliver-webhook.ts";

const places = ["https://one.example/", "https://two.example/", "https://one.example/#same"];
const subscribed = { ...webhook, events: ["task.updated" as const] };
const key = { user_id: "user_1", webhook_id: "hook_1" };

/** `hold` keeps a receiver's answer back until `release`. */
type Step =
  | { do: "address"; place: number }
  | { do: "enable" | "disable" | "ping" | "event" | "replay" | "release" | "deliver" }
  | { do: "answers"; status: number; hold: boolean }
  | { do: "wait"; minutes: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("address" as const), place: fc.nat(places.length - 1) }),
  fc.record({ do: fc.constantFrom("enable", "disable", "ping", "event", "replay", "release") }),
  { arbitrary: fc.constant({ do: "deliver" as const }), weight: 3 },
  fc.record({
    do: fc.constant("answers" as const),
    status: fc.constantFrom(204, 204, 500, 302, 410),
    hold: fc.boolean(),
  }),
  fc.record({ do: fc.constant("wait" as const), minutes: fc.constantFrom(0.3, 1, 30, 600) }),
) as fc.Arbitrary<Step>;

class World {
  readonly d1: SqliteD1 = openD1();
  readonly clock = new FakeClock();
  readonly ports: DeliveryPorts;
  readonly sent: string[] = [];
  /** Sent where it must not be. A throw here would be a receiver's failure. */
  readonly wrong: string[] = [];
  /** What the model knows: where the webhook points to, and whether that receiver has answered a ping since. */
  url = webhook.url;
  isVerified = false;
  answers = { status: 204, hold: false };
  held: (() => void)[] = [];
  onHeld = (): void => {};
  underWay: Promise<void>[] = [];

  constructor() {
    this.ports = {
      ...{ database: this.d1.binding, encryption_keys: ["a key"], private_urls_allowed: false, clock: this.clock },
      fetch: (url, init) => this.receive(url, String(init.body)),
      sendJob: async () => {},
      random: () => 0,
    };
    const put = "INSERT INTO api_keys (user_id, key_id, hash, created_at, kind) VALUES (?, 'key_1', 'hash', '', 'key')";
    this.d1.read(put, key.user_id);
  }

  async receive(url: string, body: string): Promise<Response> {
    const { type } = JSON.parse(body) as { type: string };
    this.sent.push(type);
    if (url !== this.url || (type !== "webhook.ping" && !this.isVerified)) this.wrong.push(`${type} to ${url}`);
    const { status, hold } = this.answers;
    if (hold) {
      await new Promise<void>((resolve) => {
        this.held.push(resolve);
        this.onHeld();
      });
    }
    // The answer is noted right after this, before any other step.
    if (type === "webhook.ping" && status === 204 && url === this.url) this.isVerified = true;
    return new Response(null, { status });
  }

  async deliver(): Promise<void> {
    // The queue may bring any job at any time; events come first here.
    const names = this.d1.read<DeliveryName>("SELECT user_id, webhook_id, delivery_id FROM deliveries ORDER BY event");
    for (const name of names) {
      const held = new Promise<void>((resolve) => {
        this.onHeld = resolve;
      });
      const done = deliverWebhook(name, this.ports);
      this.underWay.push(done);
      await Promise.race([done, held]);
    }
  }

  async release(): Promise<void> {
    for (const answer of this.held.splice(0)) answer();
    await Promise.all(this.underWay.splice(0));
  }

  async patch(patch: Parameters<typeof updateWebhook>[2]): Promise<void> {
    if (patch.url !== undefined && patch.url !== this.url) {
      this.url = patch.url;
      this.isVerified = false;
    }
    const by = { ...key, asks: true, maker: "key_1" };
    const changed = await updateWebhook(this.d1.binding, by, patch, this.clock.now());
    expect(changed.ok).toBe(true);
  }

  async take(step: Step): Promise<void> {
    const now = this.clock.now();
    switch (step.do) {
      case "address":
        return await this.patch({ url: places[step.place] ?? "" });
      case "enable":
      case "disable":
        return await this.patch({ enabled: step.do === "enable" });
      case "ping":
        return void (await createPing(this.d1.binding, key.user_id, key.webhook_id, now));
      case "event":
        return void (await this.d1.binding.batch(insertEventDeliveries(this.d1.binding, planBatch(), now)));
      case "replay": {
        const range = { since: 0, until: now, status: "all" as const, cursor: null };
        return void (await replayRange(this.d1.binding, key.user_id, key.webhook_id, range, now));
      }
      case "answers":
        this.answers = step;
        return;
      case "wait":
        // A try under way would run out of time.
        await this.release();
        return this.clock.advance(step.minutes * 60_000);
      case "deliver":
        return await this.deliver();
      case "release":
        return await this.release();
    }
  }

  /** What must be true between any two steps. */
  check(): void {
    expect(this.wrong).toEqual([]);
    const [stored] = this.d1.read<{ url: string; enabled: number; unverified_since: string | null }>(
      "SELECT url, enabled, unverified_since FROM webhooks",
    );
    expect([stored?.url, stored?.unverified_since === null]).toEqual([this.url, this.isVerified]);
    const pending = this.d1.read<{ event: string }>("SELECT event FROM deliveries WHERE status = 'pending'");
    expect(pending.filter(({ event }) => event === "webhook.ping").length).toBeLessThan(2);
    if (stored?.enabled === 0) expect(pending).toEqual([]);
    const due = this.d1.read("SELECT 1 FROM deliveries WHERE (status = 'pending') <> (next_attempt_at IS NOT NULL)");
    expect(due).toEqual([]);
  }
}

function planBatch(): ThreadBatch {
  const content = {
    sections: [{ id: "sec_1", title: "s" }],
    tasks: [{ id: "task_1", content: "do it", status: "pending" as const, section_id: "sec_1" }],
  };
  const row = {
    ...{ user_id: key.user_id, thread_id: "thread_1", message_id: "msg_1", project_id: "proj_1", seq: 1, version: 1 },
    ...{ invocation_id: null, agent_id: null, type: "task_list" as const, is_llm_message: false, created_at: "" },
    ...{ content, metadata: {} },
  };
  const batch = { key: { user_id: key.user_id, thread_id: "thread_1" }, project: null, thread: null, runs: [] };
  return { ...batch, messages: [row], plan_change: { seq: 1, invocation_id: null } };
}

beforeEach(() => {
  for (const name of ["log", "warn", "error"] as const) vi.spyOn(console, name).mockImplementation(() => {});
});

describe("a webhook", { timeout: 120_000 }, () => {
  it("sends events only where a ping was answered since the address was set, and continues once one is", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
        const world = new World();
        expect((await storeWebhook(world.ports, subscribed, makeSigningSecret())).ok).toBe(true);
        for (const step of steps) {
          await world.take(step);
          world.check();
        }
        // Whatever happened: a receiver that works gets all that waits, and what comes.
        world.answers = { status: 204, hold: false };
        await world.release();
        await world.take({ do: "enable" });
        for (const next of ["ping", "deliver", "event"] as const) await world.take({ do: next });
        for (let minute = 0; minute < 30 * 60; minute += 60) {
          world.clock.advance(3_600_000);
          await world.deliver();
        }
        world.check();
        expect(world.isVerified).toBe(true);
        expect(world.d1.read("SELECT 1 FROM deliveries WHERE status = 'pending'")).toEqual([]);
        expect(world.sent.at(-1)).toBe("task.updated");
        for (const type of world.sent) seen.add(type);
      }),
      { numRuns: runCount(150) },
    );
    expect([...seen].toSorted()).toEqual(["task.updated", "webhook.ping"]);
  });
});
