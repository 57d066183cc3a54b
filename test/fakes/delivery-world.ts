// Deliveries of one webhook, on the store's real statements, with a receiver, a queue and a clock that the test controls.
import { vi } from "vitest";
import type { Job } from "../../src/protocol/job.ts";
import type { DeliveryTry } from "../../src/protocol/webhook.ts";
import { type DeliveryPorts, deliverWebhook } from "../../src/webhooks/routes/deliver-webhook.ts";
import { makeSigningSecret } from "../../src/webhooks/signing.ts";
import { insertDelivery, storeVerified } from "./deliveries.ts";
import { openD1 } from "./sqlite-d1.ts";
import { FakeClock } from "./stream.ts";

export const DAY_MS = 24 * 3_600_000;
export const secret = makeSigningSecret();

export type Receiver = (request: { url: string; init: RequestInit }) => Response | Promise<Response>;

interface StoredDelivery extends Record<string, unknown> {
  tries: DeliveryTry[];
}

export class DeliveryWorld {
  readonly d1 = openD1();
  clock = new FakeClock();
  ports: DeliveryPorts;
  receive: Receiver = () => new Response(null, { status: 204 });
  readonly jobs: { job: Job; delay_ms: number }[] = [];
  readonly requests: { url: string; init: RequestInit }[] = [];
  /** What was logged. */
  readonly written: string[] = [];
  #onRequest: () => void = () => {};

  constructor() {
    this.clock.advance(60 * DAY_MS);
    this.ports = {
      database: this.d1.binding,
      encryption_keys: ["a key"],
      private_urls_allowed: false,
      fetch: async (url, init) => {
        this.requests.push({ url, init });
        this.#onRequest();
        return await this.receive({ url, init });
      },
      sendJob: async (job, delay_ms) => void this.jobs.push({ job, delay_ms }),
      clock: this.clock,
      random: () => 0,
    };
    for (const name of ["log", "warn", "error"] as const) {
      vi.spyOn(console, name).mockImplementation((...line) => void this.written.push(line.join(" ")));
    }
  }

  add(delivery_id: string, part: { status?: string; finished_at?: string } = {}): void {
    insertDelivery(this.d1, delivery_id, { due: this.clock.now() + 20_000, ...part });
  }

  deliver(delivery_id = "del_1"): ReturnType<typeof deliverWebhook> {
    return deliverWebhook({ user_id: "user_1", webhook_id: "hook_1", delivery_id }, this.ports);
  }

  /** Processes the jobs of a delivery, each when it is due, until none is left. */
  async deliverOn(): Promise<number[]> {
    const waits: number[] = [];
    await this.deliver();
    for (let next = this.jobs.shift(); next !== undefined; next = this.jobs.shift()) {
      waits.push(next.delay_ms);
      this.clock.advance(next.delay_ms);
      await this.deliver();
    }
    return waits;
  }

  /** Resolves once the receiver gets a request. */
  untilAsked(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRequest = resolve;
    });
  }

  readDelivery(delivery_id = "del_1"): StoredDelivery {
    const [row] = this.d1.read<Record<string, unknown>>("SELECT * FROM deliveries WHERE delivery_id = ?", delivery_id);
    return { ...row, tries: JSON.parse(String(row?.tries)) as DeliveryTry[] };
  }

  readWebhook(): Record<string, unknown> | undefined {
    return this.d1.read<Record<string, unknown>>("SELECT * FROM webhooks")[0];
  }
}

/** The delivery `del_1` is due. */
export async function openDeliveries(): Promise<DeliveryWorld> {
  const world = new DeliveryWorld();
  await storeVerified(world.ports, world.d1, secret);
  world.add("del_1");
  return world;
}
