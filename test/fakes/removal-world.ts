// A thread whose run spends under a cap of D1, until its thread or its owner is deleted. One life ends at a chosen moment:
// at a request to the outside, before it, or with its answer lost; or at a transaction, before or after it.
import type { Env } from "../../src/config.ts";
import { newRunInput } from "../../src/protocol/thread.ts";
import { grantLease } from "../../src/store/budgets/grant.ts";
import type { Ports } from "../../src/thread/ports.ts";
import { contractPorts } from "./contract-ports.ts";
import { type MakeObject, ObjectWorld, type Outside, type Pulse } from "./object-world.ts";
import { reply } from "./replies.ts";
import { openD1 } from "./sqlite-d1.ts";
import { settle } from "./stream.ts";

export interface Death {
  /** Counted over requests and transactions. */
  at: number;
  /** What became of a request: its effect comes after the life, or never. Of a transaction: whether it was stored. */
  done: boolean;
  /** Another life ends so many moments later, in the same way. */
  again?: number;
}

const TOKENS = { input_tokens: 900, cached_input_tokens: 0, output_tokens: 100, cost_usd: null };
const MAX_ROUNDS = 400;
const MINUTE = 60_000;

export class RemovalWorld {
  readonly key = { user_id: "user_1", thread_id: "thread_1" };
  readonly d1 = openD1();
  readonly object: ObjectWorld;
  /** What the model's server has counted. */
  counted = 0;
  moments = 0;
  /** D1 takes no batch of the thread; it grants leases. */
  isAway = false;
  /** D1 grants leases, and answers when nobody waits any more. */
  isSlow = false;
  readonly #death: Death | null;

  constructor(make: MakeObject, death: Death | null) {
    this.#death = death;
    this.object = new ObjectWorld(make, (pulse) => ({ DB: this.#ports(pulse) }) as unknown as Env);
    this.object.onCommit = () => this.#noteTransaction();
    this.d1.read("INSERT INTO users (user_id, created_at) VALUES ('user_1', '2026-01-01')");
    this.#aim();
  }

  /** Sends the run until it is accepted, and lets `steps` requests of the object have their answers. */
  async begin(steps: number): Promise<void> {
    const input = newRunInput({
      ...this.key,
      invocation_id: "inv_a",
      messages: [{ message_id: "msg_a", content: "hi" }],
    });
    let isAccepted = false;
    const send = (): void => {
      void this.object
        .call((object) => object.accept(input))
        .then((answer) => {
          if (answer.kind === "answered" && answer.value.ok) isAccepted = true;
          else if (answer.kind === "lost") send();
        });
    };
    send();
    for (let round = 0; round < MAX_ROUNDS && !isAccepted; round++) await this.#step();
    for (let step = 0; step < steps; step++) await this.#step();
  }

  /** A thread without a run. A client that gets no answer sends the request again, until the object has its alarm. */
  async create(): Promise<void> {
    const creation = { ...this.key, agent_id: null, project_id: null, title: null, metadata: {}, request_id: "make" };
    while (this.object.alarmAt === null) {
      void this.object.call((object) => object.create(creation));
      await settleAll();
    }
  }

  get isStored(): boolean {
    return this.object.read("meta", "SELECT 1 FROM meta WHERE key = 'thread'").length > 0;
  }

  /** The client asks once, whatever comes back. */
  removeOnce(): void {
    void this.object.call((object) => object.remove(this.key, "request_1"));
  }

  /** As a route marks it, and as the account's own job empties it, which does not know of the thread. */
  deleteOwner(): void {
    this.d1.read("UPDATE users SET deleted_at = '2026-11-28', purged_at = '2026-11-28' WHERE user_id = 'user_1'");
  }

  /** Lets everything happen that still does, over hours. Returns the time that passed until nothing did. */
  async calmDown(): Promise<number> {
    const began = this.object.clock.now();
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await settleAll();
      if (this.#next !== undefined) await this.#step();
      else if (this.object.alarmAt !== null || this.object.calls > 0) await this.object.advance(this.#untilNext());
      else return this.object.clock.now() - began;
    }
    throw new Error("it does not end");
  }

  /** Lets a time pass in which D1 takes no batch. */
  async stayAway(ms: number): Promise<void> {
    const until = this.object.clock.now() + ms;
    for (let round = 0; round < 20_000 && this.object.clock.now() < until; round++) {
      await settle();
      if (this.#next !== undefined) await this.#step();
      // An object sleeps after ten seconds without a request or a timer.
      else if (this.#untilNext() > 10_000 && this.object.calls === 0 && !this.isSlow) {
        this.object.crash();
        await this.object.advance(this.#untilNext());
      } else await this.object.advance(this.#untilNext());
    }
  }

  get removal(): { done?: boolean; leases?: unknown } | null {
    const [row] = this.object.read<{ value: string }>("meta", "SELECT value FROM meta WHERE key = 'removed'");
    return row === undefined ? null : JSON.parse(row.value);
  }

  get left() {
    const [sum] = this.d1.read<{ tokens: number; open: number }>(
      "SELECT coalesce(sum(tokens), 0) AS tokens, coalesce(sum(open_tokens), 0) AS open FROM budgets",
    );
    return {
      open_leases: this.d1.read("SELECT 1 FROM leases WHERE closed_at IS NULL").length,
      open_tokens: sum?.open ?? 0,
      charged: sum?.tokens ?? 0,
      rows: ["runs", "messages", "message_parts", "projects"].flatMap((table) =>
        this.d1.read(`SELECT 1 FROM ${table}`).map(() => table),
      ),
      alive: this.d1.read("SELECT 1 FROM threads WHERE deleted_at IS NULL").length,
      runs: this.object.read<{ released: number }>("runs", "SELECT released FROM runs").map(({ released }) => released),
    };
  }

  get #next(): Outside | undefined {
    return this.object.outside.find(({ kind }) => !(this.isSlow && kind === "grant"));
  }

  #untilNext(): number {
    return Math.max(1_000, (this.object.alarmAt ?? this.object.clock.now() + MINUTE) - this.object.clock.now());
  }

  async #step(): Promise<void> {
    await settleAll();
    const next = this.#next;
    if (next === undefined) return await this.object.advance(100);
    this.moments += 1;
    const isAway = this.isAway && next.kind === "d1";
    const isDying = this.#isChosen(this.moments);
    if (isDying) this.object.crash();
    await next.settle(isAway || (isDying && this.#death?.done === false) ? "fail" : "ok");
    this.#aim();
    await settle();
  }

  #isChosen(moment: number): boolean {
    if (this.#death === null) return false;
    const { at, again } = this.#death;
    return moment === at || (again !== undefined && moment === at + again);
  }

  #noteTransaction(): void {
    this.moments += 1;
    this.#aim();
  }

  /** The object ends its life itself at the transaction that is the chosen moment, unless a request comes before it. */
  #aim(): void {
    if (this.#death === null || !this.#isChosen(this.moments + 1)) return;
    this.object.death = { in: 1, when: this.#death.done ? "after" : "before" };
  }

  #ports(pulse: Pulse): Ports {
    const ports = contractPorts({ object: this.object, d1: this.d1, jobs: [], worked: new Map() }, pulse);
    const model = {
      stream: async (_request: unknown, _onDelta: unknown, signal: AbortSignal) => {
        this.counted += TOKENS.input_tokens + TOKENS.output_tokens;
        try {
          await this.object.ask("model", pulse, () => undefined, signal);
        } catch {
          return { kind: "aborted", reply: { ...emptyReply } } as const;
        }
        return reply({ text: "that is it", usage: TOKENS });
      },
    };
    return {
      ...ports,
      models: { native: () => model, xml: () => model },
      budgetScopes: () => [
        { scope: "user", id: "user_1", period: "2026-11-28", caps: { max_total_tokens: 10_000_000 } },
      ],
      grantLease: (request) => this.object.ask("grant", pulse, () => grantLease(this.d1.binding, request)),
    };
  }
}

/** Another thread may compute the hash of an input, and take longer than many rounds on a busy machine. */
async function settleAll(): Promise<void> {
  await settle();
  await crypto.subtle.digest("SHA-256", new Uint8Array());
  await settle();
}

const emptyReply = { text: "", reasoning: "", tool_calls: [], finish: "stop" as const, usage: null };
