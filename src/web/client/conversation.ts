// What a person sees of a thread, computed from its events alone: a pure function from one view and one event to the
// next view. The page and the terminal draw the same view.
import type { AgUiInterrupt, AgUiMessage, StateValue, ThreadEvent } from "../../protocol/event.ts";
import type { ReachedCap } from "../../protocol/money/caps.ts";
import { patchState } from "./patch-state.ts";
import { ofRun } from "./requests.ts";
import { addSources, type KnownSources } from "./sources.ts";
import { withoutSuperseded } from "./superseded.ts";

export type Item =
  /** `run`: the one that it began, or joined while it worked. */
  | { kind: "user"; id: string; text: string; run?: string }
  | { kind: "text"; id: string; text: string; open: boolean }
  | { kind: "reasoning"; id: string; text: string; open: boolean }
  | { kind: "tool"; id: string; name: string; arguments: string; output: string; result: string | null; open: boolean }
  /** A run that ended without completing; the id is the run's. */
  | ({ kind: "end"; id: string; state: "cancelled" | "failed"; error: string | null; unfinished: number } & Why);

/** Why a run failed, for pages that say it in their own words. */
export interface Why {
  code?: string | undefined;
  reason?: string | undefined;
  cap?: ReachedCap | undefined;
}

export type RunState = "none" | "waiting" | "running" | "completed" | "cancelled" | "interrupted" | "failed";

export interface Conversation {
  items: Item[];
  state: StateValue;
  run: { id: string | null; state: RunState; error: string | null; unfinished: number } & Why;
  interrupts: AgUiInterrupt[];
  sources: KnownSources;
  /** A passing wait: a sandbox that starts, a model call that is retried. */
  notice: Notice | null;
}

export type Notice =
  | { kind: "sandbox"; state: string; message: string }
  /** `model` is set where another model is called. */
  | { kind: "retry"; attempt: number; model: string | null };

export const noState: StateValue = { plan: { version: 0, sections: [] }, sandbox: { state: "none", previews: [] } };

export const emptyConversation: Conversation = {
  items: [],
  state: noState,
  run: { id: null, state: "none", error: null, unfinished: 0 },
  interrupts: [],
  sources: {},
  notice: null,
};

/** Prefix of the id of a last word that is not a message. */
const resultStart = "result ";

/** Live output is for watching; the result has what counts. */
const maxOutput = 20_000;

export function advance(view: Conversation, event: ThreadEvent): Conversation {
  switch (event.type) {
    case "RUN_STARTED": {
      const run = { id: event.runId, state: "running" as const, error: null, unfinished: 0 };
      const messages = event.input?.messages ?? [];
      const ids = messages.map(({ id }) => id);
      const items = ofRun(messages.reduce(addMessage, view.items), ids, event.runId);
      return { ...view, items, run, interrupts: [], notice: null };
    }
    case "RUN_FINISHED":
      return finish(view, event);
    case "RUN_ERROR": {
      const { code, message: error, metadata: { reason, cap } = {} } = event;
      return addEnd({ ...end(view), run: { ...view.run, state: "failed", error, code, reason, cap } });
    }
    case "STATE_SNAPSHOT":
      return { ...view, state: event.snapshot };
    case "STATE_DELTA":
      return { ...view, state: patchState(view.state, event.delta) };
    case "MESSAGES_SNAPSHOT":
      return { ...view, items: resync(view.items, event) };
    case "CUSTOM":
      return observe(view, event);
    case "STEP_STARTED":
    case "STEP_FINISHED":
      return view;
    default: {
      const items = advanceItems(view.items, event);
      const isRemark = event.type === "TEXT_MESSAGE_START" && event.role === "user";
      return { ...view, items: isRemark ? ofRun(items, [event.messageId], view.run.id) : items, notice: null };
    }
  }
}

type ItemEvent = Exclude<
  ThreadEvent,
  {
    type:
      | "RUN_STARTED"
      | "RUN_FINISHED"
      | "RUN_ERROR"
      | "STATE_SNAPSHOT"
      | "STATE_DELTA"
      | "MESSAGES_SNAPSHOT"
      | "CUSTOM"
      | "STEP_STARTED"
      | "STEP_FINISHED";
  }
>;

function advanceItems(items: Item[], event: ItemEvent): Item[] {
  switch (event.type) {
    case "TEXT_MESSAGE_START":
      if (event.role === "user") return put(items, { kind: "user", id: event.messageId, text: "" });
      return put(items, { kind: "text", id: event.messageId, text: "", open: true });
    case "REASONING_MESSAGE_START":
      return put(items, { kind: "reasoning", id: event.messageId, text: "", open: true });
    case "TEXT_MESSAGE_CONTENT":
      return change(items, ["text", "user"], event.messageId, (item) => ({ ...item, text: item.text + event.delta }));
    case "REASONING_MESSAGE_CONTENT":
      return change(items, ["reasoning"], event.messageId, (item) => ({ ...item, text: item.text + event.delta }));
    case "TEXT_MESSAGE_END":
      return change(items, ["text"], event.messageId, (item) => ({ ...item, open: false }));
    case "REASONING_MESSAGE_END":
      return change(items, ["reasoning"], event.messageId, (item) => ({ ...item, open: false }));
    case "TOOL_CALL_START": {
      const { toolCallId: id, toolCallName: name } = event;
      return put(items, { kind: "tool", id, name, arguments: "", output: "", result: null, open: true });
    }
    case "TOOL_CALL_ARGS":
      return change(items, ["tool"], event.toolCallId, (item) => ({
        ...item,
        arguments: item.arguments + event.delta,
      }));
    case "TOOL_CALL_RESULT":
      return change(items, ["tool"], event.toolCallId, (item) => ({ ...item, result: event.content, open: false }));
    case "TOOL_CALL_END":
    case "REASONING_START":
    case "REASONING_END":
      return items;
  }
}

function finish(view: Conversation, event: ThreadEvent & { type: "RUN_FINISHED" }): Conversation {
  const { outcome, result } = event;
  const states = { success: "completed", interrupt: "interrupted", cancelled: "cancelled" } as const;
  const run = { ...view.run, state: states[outcome.type], unfinished: result?.unfinished_tasks ?? 0 };
  const interrupts = outcome.type === "interrupt" ? outcome.interrupts : [];
  const ended = end(view);
  const items = addResult(ended.items, event.runId, result?.text ?? "");
  const finished = { ...ended, items, run, interrupts, sources: addSources(ended.sources, result?.sources ?? []) };
  return run.state === "cancelled" ? addEnd(finished) : finished;
}

/** The tool `complete` has the run's last word, which is nowhere else. */
export function addResult(items: Item[], run: string, text: string): Item[] {
  // Another run may have said the same.
  const own = items.slice(items.findLastIndex(({ kind }) => kind === "user") + 1);
  const isSaid = own.some((item) => item.kind === "text" && item.text.trim() === text.trim());
  if (text.trim() === "" || isSaid) return items;
  return put(items, { kind: "text", id: resultStart + run, text, open: false });
}

function addEnd(view: Conversation): Conversation {
  const { id, state, ...why } = view.run;
  if (id === null || (state !== "cancelled" && state !== "failed")) return view;
  return { ...view, items: put(view.items, { kind: "end", id, state, ...why }) };
}

/**
 * A snapshot contains the newest messages only, so older items stay. How a run ended and what a command printed while
 * it ran are not messages, so they stay in their places too.
 */
function resync(known: Item[], { messages, metadata }: ThreadEvent & { type: "MESSAGES_SNAPSHOT" }): Item[] {
  const held = new Set(messages.map((message) => (message.role === "tool" ? message.toolCallId : message.id)));
  const items = metadata?.superseded ? withoutSuperseded(known, held) : known;
  const place = items.findIndex(({ id }) => held.has(id));
  if (place < 0) return messages.reduce(addMessage, items);
  const made = messages.reduce(addMessage, items.slice(0, place)).map((item) => withKnown(item, items));
  for (const [index, item] of items.entries()) {
    const isEnding = item.kind === "end" || item.id.startsWith(resultStart);
    if (index < place || !isEnding) continue;
    const before = items.slice(0, index).findLast((other) => made.some((each) => isSame(each, other)));
    const after = before === undefined ? 0 : made.findIndex((each) => isSame(each, before)) + 1;
    made.splice(after, 0, item);
  }
  return made;
}

/** What the snapshot does not say. */
function withKnown(item: Item, items: Item[]): Item {
  if (item.kind !== "tool" && item.kind !== "user") return item;
  const known = items.findLast((other) => isSame(item, other));
  if (item.kind === "user") return known?.kind === "user" && known.run ? { ...item, run: known.run } : item;
  return known?.kind === "tool" && known.output !== "" ? { ...item, output: known.output } : item;
}

function isSame(one: Item, other: Item): boolean {
  return one.kind === other.kind && one.id === other.id;
}

/** Closes everything that is open when a run has ended. */
function end(view: Conversation): Conversation {
  return {
    ...view,
    items: view.items.map((item) => ("open" in item && item.open ? { ...item, open: false } : item)),
    notice: null,
  };
}

function observe(view: Conversation, event: ThreadEvent & { type: "CUSTOM" }): Conversation {
  switch (event.name) {
    case "tool_output": {
      const { tool_call_id, text } = event.value;
      const items = change(view.items, ["tool"], tool_call_id, (item) => ({
        ...item,
        output: (item.output + text).slice(-maxOutput),
      }));
      return { ...view, items };
    }
    case "sources":
      return { ...view, sources: addSources(view.sources, event.value.sources) };
    case "sandbox":
      return {
        ...view,
        notice: event.value.state === "started" ? null : { kind: "sandbox", ...event.value },
      };
    case "model_retry": {
      const { attempt, model = null } = event.value;
      return { ...view, notice: { kind: "retry", attempt, model } };
    }
    default:
      return view;
  }
}

/** Adds a complete message from a snapshot, a run's input or a stored row. */
export function addMessage(items: Item[], message: AgUiMessage): Item[] {
  switch (message.role) {
    case "user": {
      const { content } = message;
      const texts = typeof content === "string" ? [content] : content.map((part) => ("text" in part ? part.text : "🖼"));
      return put(items, { kind: "user", id: message.id, text: texts.join("\n") });
    }
    case "assistant": {
      const { id, content = "", toolCalls = [] } = message;
      const next = content === "" ? items : put(items, { kind: "text", id, text: content, open: false });
      return toolCalls.reduce<Item[]>((list, call) => {
        const { name, arguments: given } = call.function;
        return put(list, { kind: "tool", id: call.id, name, arguments: given, output: "", result: null, open: true });
      }, next);
    }
    case "tool":
      return change(items, ["tool"], message.toolCallId, (item) => ({ ...item, result: message.content, open: false }));
    case "reasoning":
      return put(items, { kind: "reasoning", id: message.id, text: message.content, open: false });
  }
}

/** The end of a run, from its stored row. */
export function addStoredEnd(items: Item[], item: Extract<Item, { kind: "end" }>): Item[] {
  return put(items, item);
}

/** An item that exists begins again in its place, because a part is reopened after a resync. */
function put(items: Item[], item: Item): Item[] {
  const place = items.findLastIndex((other) => other.kind === item.kind && other.id === item.id);
  return place < 0 ? [...items, item] : items.with(place, item);
}

function change<K extends Item["kind"]>(
  items: Item[],
  kinds: K[],
  id: string,
  edit: (item: Extract<Item, { kind: K }>) => Item,
): Item[] {
  const place = items.findLastIndex((item) => item.id === id && kinds.some((kind) => kind === item.kind));
  const item = items[place];
  return item ? items.with(place, edit(item as Extract<Item, { kind: K }>)) : items;
}
