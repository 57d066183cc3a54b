// A model call that waits until the test lets it continue.
import { type Reply, reply } from "./replies.ts";

export class Gate {
  /** Resolves when the model is called. */
  readonly reached: Promise<void>;
  readonly opened: Promise<void>;
  #reach = () => {};
  open: () => void = () => {};

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  /** Waits until it is opened. */
  async pass(): Promise<void> {
    this.#reach();
    await this.opened;
  }

  /** Sends `before`, waits, then sends `after`; a cancel ends it with what was sent. */
  say(before: string, after: string): Reply {
    return async (_request, onDelta, signal) => {
      if (before !== "") onDelta({ type: "text", text: before });
      const cancelled = new Promise<"cancelled">((resolve) => {
        signal.addEventListener("abort", () => resolve("cancelled"), { once: true });
        if (signal.aborted) resolve("cancelled");
      });
      this.#reach();
      const how = await Promise.race([this.opened, cancelled]);
      if (how === "cancelled") return { kind: "aborted", reply: { ...emptyReply, text: before } };
      onDelta({ type: "text", text: after });
      return reply({ text: before + after });
    };
  }
}

const emptyReply = { text: "", reasoning: "", tool_calls: [], finish: "other" as const, usage: null };
