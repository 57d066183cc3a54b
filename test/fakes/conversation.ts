// What a strict client makes of a thread's stream: it keeps the conversation, and throws at the first event that does
// not fit: a gap, a double, an END without START, a run that ends with something open.
import type { AgUiMessage, ThreadEvent } from "../../src/protocol/event.ts";
import { framesOf } from "./stream-reader.ts";

export interface Part {
  text: string;
  open: boolean;
  contents: number;
}

/** State of the test's threads: one counter, raised by one in each STATE_DELTA. */
export function counterDelta(value: number): ThreadEvent {
  return { type: "STATE_DELTA", delta: [{ op: "replace", path: "/plan/version", value }] };
}

export function counterSnapshot(version: number): ThreadEvent {
  return {
    type: "STATE_SNAPSHOT",
    snapshot: { plan: { version, sections: [] }, sandbox: { state: "none", previews: [] } },
  };
}

export class Conversation {
  readonly parts = new Map<string, Part>();
  readonly results = new Map<string, string>();
  counter = 0;
  run: string | null = null;
  #resyncing = false;

  /** The next frames are a resync: open parts will be opened again, and the state is sent anew. */
  beginResync(): void {
    this.#resyncing = true;
    this.run = null;
    for (const [id, part] of this.parts) if (part.open) this.parts.delete(id);
  }

  /** Ids of parts that have begun and not ended. */
  get open(): string[] {
    return [...this.parts].filter(([, part]) => part.open).map(([id]) => id);
  }

  apply(event: ThreadEvent): void {
    switch (event.type) {
      case "RUN_STARTED":
        this.#check(this.run === null, `RUN_STARTED within ${this.run}`);
        this.run = event.runId;
        return;
      case "RUN_FINISHED":
        this.#check(this.run === event.runId, `RUN_FINISHED of ${event.runId} within ${this.run}`);
        this.#check(this.open.length === 0, `RUN_FINISHED with ${this.open} open`);
        this.run = null;
        return;
      case "MESSAGES_SNAPSHOT":
        this.#check(this.open.length === 0, `MESSAGES_SNAPSHOT with ${this.open} open`);
        this.#replaceMessages(event.messages);
        return;
      case "STATE_SNAPSHOT":
        this.#check(this.#resyncing || event.snapshot.plan.version === this.counter, "the state jumped");
        this.counter = event.snapshot.plan.version;
        this.#resyncing = false;
        return;
      case "STATE_DELTA": {
        const value = event.delta[0]?.value;
        this.#check(value === this.counter + 1, `the state went from ${this.counter} to ${value}`);
        this.counter += 1;
        return;
      }
      case "TOOL_CALL_RESULT":
        this.#check(this.parts.get(event.toolCallId)?.open === false, `a result without the call ${event.toolCallId}`);
        this.#check(!this.results.has(event.toolCallId), `two results of ${event.toolCallId}`);
        this.results.set(event.toolCallId, event.content);
        return;
      case "CUSTOM":
        return;
      default:
        this.#applyToPart(event);
    }
  }

  #applyToPart(event: ThreadEvent): void {
    const id = "toolCallId" in event ? event.toolCallId : "messageId" in event ? event.messageId : "";
    const part = this.parts.get(id);
    switch (event.type) {
      case "TEXT_MESSAGE_START":
      case "TOOL_CALL_START":
      case "REASONING_START":
        this.#check(part === undefined, `${event.type} of ${id}, which is known`);
        this.parts.set(id, { text: "", open: true, contents: 0 });
        return;
      case "REASONING_MESSAGE_START":
      case "REASONING_MESSAGE_END":
        this.#check(part?.open === true, `${event.type} of ${id}, which is not open`);
        return;
      case "TEXT_MESSAGE_CONTENT":
      case "REASONING_MESSAGE_CONTENT":
      case "TOOL_CALL_ARGS":
        if (part?.open !== true) throw new Error(`${event.type} of ${id}, which is not open`);
        part.text += event.delta;
        part.contents += 1;
        return;
      case "TEXT_MESSAGE_END":
      case "REASONING_END":
      case "TOOL_CALL_END":
        if (part?.open !== true) throw new Error(`${event.type} of ${id}, which is not open`);
        part.open = false;
        return;
      default:
        throw new Error(`${event.type} is not expected here`);
    }
  }

  #replaceMessages(messages: AgUiMessage[]): void {
    this.parts.clear();
    this.results.clear();
    const set = (id: string, text: string) => this.parts.set(id, { text, open: false, contents: 1 });
    for (const message of messages) {
      if (message.role === "tool") this.results.set(message.toolCallId, message.content);
      else if (message.role !== "assistant") set(message.id, String(message.content));
      else if (message.toolCalls === undefined) set(message.id, message.content ?? "");
      else for (const call of message.toolCalls) set(call.id, call.function.arguments);
    }
  }

  #check(holds: boolean, problem: string): void {
    if (!holds) throw new Error(problem);
  }
}

/** The events of frames, with their numbers; comments and `retry` are left out. `former` as in `checkAgUi`. */
export function parseFrames(text: string, reader = { former: false }): { seq: number | null; event: ThreadEvent }[] {
  return framesOf(text, reader).map(({ id, event }) => ({ seq: id, event }));
}
