// A thread on a day that a test sets, and what its model gets.
import { z } from "zod";
import { defineTool, type Tool } from "../../src/agent/tool.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import { clock } from "../../src/thread/ports.ts";
import { readMessages } from "../../src/thread/rows/messages.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";

const FRIDAY = Date.parse("2026-11-27T23:30:00Z");
export const DAY_MS = 24 * 60 * 60_000;

export const look = defineTool({
  name: "look",
  description: "Looks.",
  schema: z.object({}),
  kind: "work",
  read_only: true,
  recovery: "repeat",
  time_limit_ms: 10_000,
  execute: async () => ({ content: "seen", is_error: false }),
});
export const plan: Tool = { ...look, name: "plan", kind: "memory" };

export class Stage {
  at = FRIDAY;
  readonly thread: FakeThread;

  constructor(options: FakeThreadOptions = {}) {
    const own = { now: () => this.at, setTimer: clock.setTimer };
    this.thread = new FakeThread({ tells: true, tools: [look, plan], clock: own, ...options });
  }

  /** The request of the last model call, without the system prompt. */
  get sent(): unknown[] {
    return (
      this.thread.requests
        .at(-1)
        ?.messages.slice(1)
        .map(({ content }) => content) ?? []
    );
  }

  get rows(): MessageRow[] {
    const { database, thread } = this.thread.life;
    return readMessages(database.sql, thread, 0, 1_000);
  }

  /** What people and D1 get of the thread. */
  get everything(): string {
    return JSON.stringify([this.rows, this.thread.batches]);
  }

  /** A sandbox with that id is open from now on. */
  async open(id: string): Promise<void> {
    await this.thread.life.sandbox;
    this.thread.sandboxMemory?.remember(id);
  }
}

export const first = (...lines: string[]) => ["<environment>", ...lines, "</environment>"].join("\n");

export const long = {
  ...look,
  name: "long",
  execute: async () => ({ content: "word ".repeat(1500), is_error: false }),
};
