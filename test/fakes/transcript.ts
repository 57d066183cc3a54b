// What a client has that reads a thread's stream: messages, state and open steps, folded event by event. Two readers
// saw the same conversation if their transcripts are equal, however it was sent to them.
import type { AgUiMessage, PatchOperation, StateValue, ThreadEvent } from "../../src/protocol/event.ts";

export interface Held {
  id: string;
  role: string;
  text: string;
  calls: { id: string; name: string; arguments: string }[];
  answers?: string;
}

export class Transcript {
  readonly messages = new Map<string, Held>();
  /** Ids of parts that have begun and not ended. */
  readonly open = new Set<string>();
  readonly steps = new Set<string>();
  state: StateValue | null = null;
  run: string | null = null;
  outcome: string | null = null;

  apply(event: ThreadEvent): this {
    switch (event.type) {
      case "RUN_STARTED":
        this.#start(event);
        return this;
      case "RUN_FINISHED":
      case "RUN_ERROR":
        if (this.open.size + this.steps.size > 0) throw new Error("the run ends with something open");
        this.run = null;
        this.outcome = event.type === "RUN_ERROR" ? event.code : event.outcome.type;
        return this;
      case "STEP_STARTED":
        if (this.steps.has(event.stepName)) throw new Error(`the step ${event.stepName} is open`);
        this.steps.add(event.stepName);
        return this;
      case "STEP_FINISHED":
        if (!this.steps.delete(event.stepName)) throw new Error(`the step ${event.stepName} is not open`);
        return this;
      case "STATE_SNAPSHOT":
        this.state = structuredClone(event.snapshot);
        return this;
      case "STATE_DELTA":
        this.state = applyPatch(this.state, event.delta) as StateValue;
        return this;
      case "MESSAGES_SNAPSHOT":
        this.messages.clear();
        for (const message of event.messages) this.#take(message);
        return this;
      case "CUSTOM":
        return this;
      default:
        this.#applyToMessage(event);
        return this;
    }
  }

  applyAll(events: ThreadEvent[]): this {
    for (const event of events) this.apply(event);
    return this;
  }

  /** Everything as plain values, for comparison. */
  get value() {
    return { messages: [...this.messages.values()], state: this.state, outcome: this.outcome, open: [...this.open] };
  }

  #start(event: Extract<ThreadEvent, { type: "RUN_STARTED" }>): void {
    if (event.metadata?.resync === true) {
      this.open.clear();
      this.steps.clear();
    } else if (this.run !== null) throw new Error(`RUN_STARTED within ${this.run}`);
    this.run = event.runId;
    this.outcome = null;
    for (const message of event.input?.messages ?? []) this.#take(message);
  }

  #take(message: AgUiMessage): void {
    const text = typeof message.content === "string" ? message.content : JSON.stringify(message.content ?? "");
    const held: Held = { id: message.id, role: message.role, text: text === '""' ? "" : text, calls: [] };
    if (message.role === "tool") held.answers = message.toolCallId;
    if (message.role === "assistant") {
      for (const { id, function: called } of message.toolCalls ?? []) held.calls.push({ id, ...called });
    }
    if (this.messages.has(message.id)) throw new Error(`the message ${message.id} is sent twice`);
    this.messages.set(message.id, held);
  }

  #applyToMessage(event: ThreadEvent): void {
    switch (event.type) {
      case "TEXT_MESSAGE_START":
        this.#begin(event.messageId, event.role);
        return;
      case "REASONING_MESSAGE_START":
        this.#begin(event.messageId, "reasoning");
        return;
      case "TEXT_MESSAGE_CONTENT":
      case "REASONING_MESSAGE_CONTENT":
        this.#openMessage(event.messageId).text += event.delta;
        return;
      case "TEXT_MESSAGE_END":
      case "REASONING_MESSAGE_END":
        this.#end(event.messageId);
        return;
      case "TOOL_CALL_START": {
        const parent = event.parentMessageId ?? event.toolCallId;
        const message = this.messages.get(parent) ?? { id: parent, role: "assistant", text: "", calls: [] };
        this.messages.set(parent, message);
        if (this.#callOf(event.toolCallId) !== undefined) throw new Error(`${event.toolCallId} begins twice`);
        message.calls.push({ id: event.toolCallId, name: event.toolCallName, arguments: "" });
        this.open.add(event.toolCallId);
        return;
      }
      case "TOOL_CALL_ARGS": {
        const call = this.#callOf(event.toolCallId);
        if (call === undefined || !this.open.has(event.toolCallId)) throw new Error(`${event.toolCallId} is not open`);
        call.arguments += event.delta;
        return;
      }
      case "TOOL_CALL_END":
        this.#end(event.toolCallId);
        return;
      case "TOOL_CALL_RESULT":
        for (const { answers } of this.messages.values()) {
          if (answers === event.toolCallId) throw new Error(`${event.toolCallId} is answered twice`);
        }
        this.#take({ id: event.messageId, role: "tool", toolCallId: event.toolCallId, content: event.content });
    }
  }

  #begin(id: string, role: string): void {
    if (this.open.has(id)) throw new Error(`${id} begins twice`);
    this.open.add(id);
    const known = this.messages.get(id);
    // A resync sends an open part anew, from its beginning.
    if (known === undefined) this.messages.set(id, { id, role, text: "", calls: [] });
    else if (known.text !== "") throw new Error(`${id} begins again with a text`);
  }

  #openMessage(id: string): Held {
    const message = this.messages.get(id);
    if (message === undefined || !this.open.has(id)) throw new Error(`${id} is not open`);
    return message;
  }

  #end(part: string): void {
    if (!this.open.delete(part)) throw new Error(`${part} is not open`);
  }

  #callOf(id: string) {
    for (const message of this.messages.values()) {
      const call = message.calls.find((each) => each.id === id);
      if (call !== undefined) return call;
    }
    return undefined;
  }
}

/** RFC 6902, as far as this server uses it. */
export function applyPatch(target: unknown, operations: PatchOperation[]): unknown {
  const root = { value: structuredClone(target) };
  for (const { op, path, value } of operations) {
    const keys = ["value", ...path.split("/").slice(1)];
    const last = keys.pop() ?? "";
    let holder: unknown = root;
    for (const key of keys) holder = (holder as Record<string, unknown>)[key];
    change(holder, last, op, value);
  }
  return root.value;
}

function change(holder: unknown, key: string, op: PatchOperation["op"], value: unknown): void {
  if (Array.isArray(holder)) {
    const place = key === "-" ? holder.length : Number(key);
    const exists = place < holder.length;
    if (op !== "add" && !exists) throw new Error(`${op} of ${key}, which is not there`);
    if (op === "add") holder.splice(place, 0, value);
    else if (op === "remove") holder.splice(place, 1);
    else holder[place] = value;
    return;
  }
  const record = holder as Record<string, unknown>;
  if (op !== "add" && !Object.hasOwn(record, key)) throw new Error(`${op} of ${key}, which is not there`);
  if (op === "remove") delete record[key];
  else record[key] = value;
}
