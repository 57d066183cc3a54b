// A runner of checks on a place in memory and a clock that a test moves.

import type { CheckRunPorts, PublicAnswer } from "../../src/agent/checks/run/ports.ts";
import { createCheckRunner } from "../../src/agent/checks/run/runner.ts";
import type { CheckRunner, WantedCheck } from "../../src/agent/checks/runner.ts";
import type { Check, CheckInput, Receipt } from "../../src/protocol/plan/check.ts";
import { MemoryCheckPlace } from "./check-place.ts";

interface Sleeper {
  at: number;
  wake: () => void;
}

export class CheckWorld {
  readonly place = new MemoryCheckPlace();
  readonly end = new AbortController();
  readonly receipts: Receipt[] = [];
  /** What public addresses answer. */
  readonly addresses = new Map<string, PublicAnswer>();
  now = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #limits = new Set<number>();
  #count = 0;

  constructor() {
    this.place.files.set("a.txt", "a");
    this.place.awaitLimit = (ms) => this.#awaitLimit(ms);
  }

  runner(overrides: Partial<CheckRunPorts> = {}): CheckRunner {
    return createCheckRunner({
      place: this.place,
      scope: "run_1",
      attempt: 1,
      invocation_id: "run_1",
      fetchPublic: async (url) =>
        this.addresses.get(url) ?? { ok: false, refused: false, message: `${url} does not answer.` },
      keyOf: (spec) => JSON.stringify(Object.entries(spec).sort()),
      newId: () => `receipt_${++this.#count}`,
      now: () => this.now,
      sleep: (ms, signal) => this.#sleep(ms, signal),
      signal: this.end.signal,
      onReceipt: (receipt) => this.receipts.push(receipt),
      ...overrides,
    });
  }

  run(specs: CheckInput[], overrides: Partial<CheckRunPorts> = {}, budget_ms = 300_000): Promise<Receipt[]> {
    return this.runner(overrides).run(
      specs.map((spec, at) => want(spec, at)),
      { call_id: "call_1", budget_ms },
    );
  }

  async see(spec: CheckInput): Promise<Receipt> {
    const [receipt] = await this.run([spec]);
    if (receipt === undefined) throw new Error("no receipt");
    return receipt;
  }

  /**
   * Moves the clock whenever a command in the place waits for its limit, until the promise has settled. Time stands still
   * while the platform hashes something, however long that takes.
   */
  async drive<Value>(promise: Promise<Value>): Promise<Value> {
    const state = { isSettled: false };
    const settled = promise.finally(() => (state.isSettled = true));
    settled.catch(() => {});
    while (!state.isSettled) {
      await turn();
      const [next] = [...this.#limits].sort((one, other) => one - other);
      if (next !== undefined) this.advanceTo(next);
    }
    return settled;
  }

  /** Waits until something has happened. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await turn();
  }

  /** Wakes who sleeps until then, one after another. */
  advanceTo(until: number): void {
    const due = [...this.#sleepers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
    this.now = Math.max(this.now, until);
    for (const { wake } of due) wake();
  }

  async #awaitLimit(ms: number): Promise<void> {
    const at = this.now + ms;
    this.#limits.add(at);
    await this.#sleep(ms, new AbortController().signal);
    this.#limits.delete(at);
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = {
        at: this.now + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      const stop = () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      };
      if (signal.aborted) return stop();
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}

export function want(spec: CheckInput, at = 0, check: Partial<Check> = {}): WantedCheck {
  return { task_id: `task_${at}`, check: { id: `check_${at}`, author: "person", spec, ...check } };
}

/** A turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
