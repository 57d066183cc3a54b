// What the page knows of the open thread, and how each event changes it: pure functions from one view to the next.
import type { ThreadEvent, UsageSoFar } from "../../protocol/event.ts";
import type { Run } from "../../protocol/run.ts";
import { advance, type Conversation, emptyConversation } from "../client/conversation.ts";
import type { Problem } from "./problem.ts";

export interface ThreadView {
  phase: "loading" | "ready";
  conversation: Conversation;
  /** `idle`: nothing happens, and nothing is requested. */
  link: "connected" | "lost" | "idle";
  /** Newest first. */
  runs: Run[];
  /** Sent while a run works, and not taken yet. */
  waiting: Waiting[];
  problem: Problem | null;
  /** The newest events that are not part of a text, oldest first. */
  activity: TimedEvent[];
  /** What a run said last of what it uses. A command's output may push the event out of the activity. */
  spent: UsageSoFar | null;
}

export interface Waiting {
  id: string;
  text: string;
  mode: "enqueue" | "steer";
  /** For the request that brings it: the run that it begins, unless another takes it. */
  run: string;
  /** Whether the server has it. */
  isSent: boolean;
  /** The text is not all of it. */
  isCut?: boolean;
}

export interface TimedEvent {
  /** When this page received it, in ms since 1970. */
  at: number;
  id: string | null;
  event: ThreadEvent;
}

export const opening: ThreadView = {
  phase: "loading",
  conversation: emptyConversation,
  link: "connected",
  runs: [],
  waiting: [],
  problem: null,
  activity: [],
  spent: null,
};

/** More of them is a log, which the server has. */
const maxActivity = 1000;
const quietKinds = new Set(["TEXT_MESSAGE_CONTENT", "REASONING_MESSAGE_CONTENT", "TOOL_CALL_ARGS"]);

export function isBusy({ conversation: { run } }: Pick<ThreadView, "conversation">): boolean {
  return run.state === "waiting" || run.state === "running";
}

/** It has no messages. */
export function isUnwritten({ phase, conversation }: Pick<ThreadView, "phase" | "conversation">): boolean {
  return phase === "ready" && conversation.items.length === 0;
}

/** Shows a message at once, before the server has accepted it. */
export function say({ conversation, ...view }: ThreadView, { id, text }: Pick<Waiting, "id" | "text">): ThreadView {
  const isThere = conversation.items.some((item) => item.id === id);
  const items = isThere ? conversation.items : [...conversation.items, { kind: "user" as const, id, text }];
  const run = { id: null, state: "waiting" as const, error: null, unfinished: 0 };
  return { ...withoutWaiting(view, id), problem: null, conversation: { ...conversation, items, run, interrupts: [] } };
}

/** Shows at once that a turn begins again, perhaps with another message in the place of its own. */
export function sayAgain(
  { conversation, ...view }: ThreadView,
  { message, edited }: { message: string; edited: Pick<Waiting, "id" | "text"> | null },
): ThreadView {
  const place = conversation.items.findIndex((item) => item.kind === "user" && item.id === message);
  const kept = place < 0 ? conversation.items : conversation.items.slice(0, edited === null ? place + 1 : place);
  const cut = { ...view, conversation: { ...conversation, items: kept } };
  if (edited !== null) return say(cut, edited);
  const run = { id: null, state: "waiting" as const, error: null, unfinished: 0 };
  return { ...cut, problem: null, conversation: { ...cut.conversation, run, interrupts: [] } };
}

/** Whether a snapshot continues from what is shown. */
export function isKnown(
  { conversation: { items } }: ThreadView,
  event: ThreadEvent & { type: "MESSAGES_SNAPSHOT" },
): boolean {
  if (items.length === 0 || event.metadata?.superseded) return true;
  const ids = new Set(event.messages.map(({ id }) => id));
  return items.some(({ id }) => ids.has(id));
}

/** The server has answered, so nothing waits for it any more. */
export function connect(view: ThreadView): ThreadView {
  return { ...view, link: "connected", problem: view.problem?.isWait ? null : view.problem };
}

/** It was refused: `id` is the message's, or null where it was an answer. */
export function unsay({ conversation, ...view }: ThreadView, id: string | null): ThreadView {
  const items = conversation.items.filter((item) => item.id !== id);
  const run = { ...conversation.run, state: "none" as const };
  return { ...view, link: "connected", conversation: { ...conversation, items, run } };
}

/** It is shown below the conversation until a run takes it. */
export function wait<V extends Pick<ThreadView, "waiting">>(view: V, message: Waiting): V {
  return { ...view, waiting: [...view.waiting.filter(({ id }) => id !== message.id), message] };
}

export function withoutWaiting<V extends Pick<ThreadView, "waiting">>(view: V, id: string): V {
  return { ...view, waiting: view.waiting.filter((each) => each.id !== id) };
}

/** The server has it, unless it was taken since. */
export function withSent<V extends Pick<ThreadView, "waiting">>(view: V, id: string): V {
  return { ...view, waiting: view.waiting.map((each) => (each.id === id ? { ...each, isSent: true } : each)) };
}

/** It waits in another way, unless it was taken since. */
export function withChanged<V extends Pick<ThreadView, "waiting">>(view: V, message: Waiting): V {
  return { ...view, waiting: view.waiting.map((each) => (each.id === message.id ? message : each)) };
}

/** The server's waiting messages, then those it had not got when it answered, without those that `isGone`. */
export function withInbox<V extends Pick<ThreadView, "waiting" | "conversation">>(
  view: V,
  inbox: Waiting[],
  isGone: (message: Waiting) => boolean,
): V {
  const listed = new Set(inbox.map(({ id }) => id));
  const taken = new Set(view.conversation.items.map(({ id }) => id));
  const others = view.waiting.filter((message) => !listed.has(message.id) && !isGone(message));
  return { ...view, waiting: [...inbox, ...others].filter(({ id }) => !taken.has(id)) };
}

/** The questions stay until the answer is accepted: after a refusal they are asked again. */
export function awaitAnswer({ conversation, ...view }: ThreadView): ThreadView {
  const run = { ...conversation.run, state: "waiting" as const };
  return { ...view, problem: null, conversation: { ...conversation, run } };
}

export function hear(view: ThreadView, happened: TimedEvent): ThreadView {
  const { event } = happened;
  const conversation = advance(view.conversation, event);
  const waiting = view.waiting.filter(({ id }) => !conversation.items.some((item) => item.id === id));
  const activity = quietKinds.has(event.type) ? view.activity : [...view.activity.slice(1 - maxActivity), happened];
  return {
    ...view,
    conversation,
    activity,
    spent: event.type === "CUSTOM" && event.name === "usage" ? event.value : view.spent,
    waiting: waiting.length === view.waiting.length ? view.waiting : waiting,
  };
}
