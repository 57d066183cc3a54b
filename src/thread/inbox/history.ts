// Finds what is new in the whole history that a client sends (AG-UI), and which message ids are taken.
import { type Result, succeed } from "../../protocol/error.ts";
import type { RunInput } from "../../protocol/thread.ts";
import type { Life } from "../life.ts";
import { findKnown, readMessagesBefore, type VersionedMessage } from "../rows/messages.ts";
import { newOwnMessageId } from "../rows/own-ids.ts";
import { readDivergence } from "./divergence.ts";
import { readWaiting } from "./steering.ts";

/** As many as take some ten milliseconds to read or store. */
export const MANY_MESSAGES = 1_000;

/** Its acceptance, the start of its run, its echo and the first request are each work enough at once: others get a turn between. */
export function isLongHistory({ messages }: RunInput): boolean {
  return messages.length > MANY_MESSAGES;
}

/**
 * Cuts a client's whole history to what is new: user messages with unknown ids after the last known one, and what it takes
 * back.
 */
export function withoutHistory(life: Life, given: RunInput): Result<RunInput> {
  const cut = cutHistory(life, given);
  const divergence = readDivergence(life, given, cut);
  return divergence.ok ? succeed(divergence.value ?? cut) : divergence;
}

function cutHistory(life: Life, given: RunInput): RunInput {
  const { history: _, is_whole_history: __, ...input } = given;
  // Most results of a history are of the server's own tools.
  const pending = new Set(input.tool_results.length === 0 ? [] : pendingCalls(life));
  const results = input.tool_results.filter(({ tool_call_id }) => pending.has(tool_call_id));
  const isKnown = knownMessages(life, idsOf({ ...input, messages: [], tool_results: results }));
  return {
    ...input,
    messages: input.messages.slice(findLastKnown(life, idsOf({ ...input, tool_results: [] })) + 1),
    // A client may send a result twice; `delete` accepts only the first.
    tool_results: results.filter((result) => !isKnown(result.message_id) && pending.delete(result.tool_call_id)),
  };
}

/** Calls of the newest assistant message that wait for the client: without a result, and no question to the person. */
function pendingCalls(life: Life): string[] {
  const newest = life.newestStarted;
  const answered = new Set(newest?.run.interrupts.map(({ tool_call_id }) => tool_call_id));
  for (const { input } of life.live.values()) {
    for (const { tool_call_id } of input?.tool_results ?? []) answered.add(tool_call_id);
  }
  for (const row of newestMessages(life)) {
    if (row.type === "tool") answered.add(row.content.tool_call_id);
    if (row.type !== "assistant") continue;
    return (row.content.tool_calls ?? []).map(({ id }) => id).filter((id) => !answered.has(id));
  }
  return [];
}

/** Few at first: the newest assistant message is one of the last. */
function* newestMessages({ database, thread }: Life): Generator<VersionedMessage> {
  let before = Number.MAX_SAFE_INTEGER;
  for (const limit of [8, 42]) {
    const rows = readMessagesBefore(database.sql, thread, before, limit);
    yield* rows;
    before = rows.at(-1)?.seq ?? 0;
  }
}

/** Nearly every history ends soon after a message that is known. One in which nothing is known takes few looks, too. */
const FIRST_LOOK = 2;
const NEXT_LOOK = 16;

/** The place of the last known of these ids; -1 if none is known. */
function findLastKnown(life: Life, ids: string[]): number {
  for (let [end, count] = [ids.length, FIRST_LOOK]; end > 0; end -= count, count *= NEXT_LOOK) {
    const asked = ids.slice(Math.max(0, end - count), end);
    const place = asked.findLastIndex(knownMessages(life, asked));
    if (place >= 0) return end - asked.length + place;
  }
  return -1;
}

/** Returns a check whether one of these ids belongs to a message that is stored or waits to be stored. */
export function knownMessages(life: Life, ids: string[]): (message_id: string) => boolean {
  const inputs = [...life.live.values()].map(({ input }) => input);
  const steered = readWaiting(life).map(({ input }) => input);
  const waiting = new Set([...inputs, ...steered].flatMap((input) => (input === null ? [] : idsOf(input))));
  const stored = findKnown(life.database.sql, ids);
  return (message_id) => waiting.has(message_id) || stored.has(message_id);
}

/** The input with ids of the object's own for messages that nobody has named. */
export function nameMessages(input: RunInput): RunInput {
  if (input.unnamed_messages !== true) return input;
  const messages = input.messages.map(({ content }) => ({ message_id: newOwnMessageId(), content }));
  return { ...input, messages };
}

export function idsOf({ messages, tool_results }: RunInput): string[] {
  return [...messages, ...tool_results].map(({ message_id }) => message_id);
}
