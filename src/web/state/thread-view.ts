// What the page knows of the open thread, and how each thing that happens changes it: pure functions from one view to the next.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { Run } from "../../protocol/run.ts";
import { advance, type Conversation, emptyConversation } from "../client/conversation.ts";
import type { Problem } from "./problem.ts";

export interface ThreadView {
  phase: "loading" | "ready";
  conversation: Conversation;
  /** `idle`: nothing happens, and nothing is asked for. */
  link: "connected" | "lost" | "idle";
  /** Newest first. */
  runs: Run[];
  /** Sent while a run works, and not taken up yet. */
  waiting: Waiting[];
  problem: Problem | null;
  /** The newest events that are no part of a text, oldest first. */
  activity: Happened[];
}

export interface Waiting {
  id: string;
  text: string;
  mode: "enqueue" | "steer";
  /** Of the request that brings it: the run that it begins, unless another takes it. */
  run: string;
  /** Whether the server has it. */
  isSent: boolean;
}

export interface Happened {
  /** When this page heard of it, ms since 1970. */
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
};

/** More of them is a log, and the server has it. */
const mostActivity = 1000;
const quietKinds = new Set(["TEXT_MESSAGE_CONTENT", "REASONING_MESSAGE_CONTENT", "TOOL_CALL_ARGS"]);

export function isBusy({ conversation: { run } }: Pick<ThreadView, "conversation">): boolean {
  return run.state === "waiting" || run.state === "running";
}

/** Nobody has said anything in it. */
export function isUnwritten({ phase, conversation }: Pick<ThreadView, "phase" | "conversation">): boolean {
  return phase === "ready" && conversation.items.length === 0;
}

/** What a person said stands there at once; the server has yet to take it. */
export function say({ conversation, ...view }: ThreadView, { id, text }: Pick<Waiting, "id" | "text">): ThreadView {
  const isThere = conversation.items.some((item) => item.id === id);
  const items = isThere ? conversation.items : [...conversation.items, { kind: "user" as const, id, text }];
  const run = { id: null, state: "waiting" as const, error: null, unfinished: 0 };
  return { ...withoutWaiting(view, id), problem: null, conversation: { ...conversation, items, run, interrupts: [] } };
}

/** It was not taken: `id` is the message's, or null where it was an answer. */
export function unsay({ conversation, ...view }: ThreadView, id: string | null): ThreadView {
  const items = conversation.items.filter((item) => item.id !== id);
  const run = { ...conversation.run, state: "none" as const };
  return { ...view, link: "connected", conversation: { ...conversation, items, run } };
}

/** It stands below what is said, until a run takes it up. */
export function wait<V extends Pick<ThreadView, "waiting">>(view: V, message: Waiting): V {
  return { ...view, waiting: [...view.waiting.filter(({ id }) => id !== message.id), message] };
}

export function withoutWaiting<V extends Pick<ThreadView, "waiting">>(view: V, id: string): V {
  return { ...view, waiting: view.waiting.filter((each) => each.id !== id) };
}

/** The server has it, if it was not taken up since. */
export function withSent<V extends Pick<ThreadView, "waiting">>(view: V, id: string): V {
  return { ...view, waiting: view.waiting.map((each) => (each.id === id ? { ...each, isSent: true } : each)) };
}

/** What the server says that waits, then what it had not got when it said so, but what `isGone`. */
export function withInbox<V extends Pick<ThreadView, "waiting" | "conversation">>(
  view: V,
  inbox: Waiting[],
  isGone: (message: Waiting) => boolean,
): V {
  const told = new Set(inbox.map(({ id }) => id));
  const taken = new Set(view.conversation.items.map(({ id }) => id));
  const others = view.waiting.filter((message) => !told.has(message.id) && !isGone(message));
  return { ...view, waiting: [...inbox, ...others].filter(({ id }) => !taken.has(id)) };
}

/** The questions stay until the answer is taken: where it is refused they are asked again. */
export function awaitAnswer({ conversation, ...view }: ThreadView): ThreadView {
  const run = { ...conversation.run, state: "waiting" as const };
  return { ...view, problem: null, conversation: { ...conversation, run } };
}

export function hear(view: ThreadView, happened: Happened): ThreadView {
  const { event } = happened;
  const conversation = advance(view.conversation, event);
  const waiting = view.waiting.filter(({ id }) => !conversation.items.some((item) => item.id === id));
  const activity = quietKinds.has(event.type) ? view.activity : [...view.activity.slice(1 - mostActivity), happened];
  return {
    ...view,
    conversation,
    activity,
    waiting: waiting.length === view.waiting.length ? view.waiting : waiting,
  };
}
