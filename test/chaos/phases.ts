// Determines in which phase a kill met a run: from what was stored, from the progress of the model, and from the
// commands' marks; never from what the kill was aimed at.
import type { StoredMessage, StoredThread } from "./stored.ts";

export const phases = [
  "before the first token",
  "mid-text",
  "between assistant message and tool",
  "mid-command",
  "between two tool results",
  "before the D1 write",
  "between the stored and the released end",
] as const;

export type Phase = (typeof phases)[number];

/** What a kill can also meet: an accepted run that has not begun. */
export type Met = Phase | "queued";

/** What is known of a run beside what is stored. */
export interface Observation {
  /** The newest model call of this life: the step it belongs to, and how many of its tokens were sent. */
  call: { step: number; tokens: number } | undefined;
  /** How many commands have left their begin mark in the sandbox. */
  commandsBegun: number;
  /** Whether a batch for D1 was under way. */
  writes: boolean;
}

/** The first token may still have been on its way. */
const SURE_TOKENS = 2;

/** Empty where the run was not stored yet, or was over. */
export function findPhases(object: StoredThread, database: StoredThread, observed: Observation): Met[] {
  const { run } = object;
  if (run === null || run.released) return [];
  if (run.status === "queued") return ["queued"];
  if (run.status !== "running") return ["between the stored and the released end"];
  const found: Met[] = [findWork(object.messages, observed)];
  if (observed.writes && isBehind(database, object)) found.push("before the D1 write");
  return found;
}

function findWork(messages: StoredMessage[], observed: Observation): Phase {
  const { answered, open } = readCalls(messages);
  if (open === 0) {
    // A call whose message is stored is over, and the next one was not made yet.
    const step = messages.filter(({ type }) => type === "assistant").length;
    const tokens = observed.call?.step === step ? observed.call.tokens : 0;
    return tokens >= SURE_TOKENS ? "mid-text" : "before the first token";
  }
  const ended = messages.filter(
    ({ type, metadata }) => type === "tool" && nameOf(metadata) === "execute_command",
  ).length;
  if (observed.commandsBegun > ended) return "mid-command";
  return answered > 0 ? "between two tool results" : "between assistant message and tool";
}

function nameOf(metadata: string): unknown {
  return (JSON.parse(metadata) as { name?: unknown }).name;
}

/** For the newest assistant message: how many of its calls have a result, and how many have none. */
function readCalls(messages: StoredMessage[]): { answered: number; open: number } {
  const at = messages.findLastIndex(({ type }) => type === "assistant");
  const message = messages[at];
  if (message === undefined) return { answered: 0, open: 0 };
  const calls = (JSON.parse(message.content) as { tool_calls?: unknown[] }).tool_calls ?? [];
  const answered = messages.slice(at).filter(({ type }) => type === "tool").length;
  return { answered, open: calls.length - answered };
}

function isBehind(database: StoredThread, object: StoredThread): boolean {
  return (
    database.messages.length < object.messages.length ||
    database.run?.status !== object.run?.status ||
    database.run?.attempt !== object.run?.attempt
  );
}
