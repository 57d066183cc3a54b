// The history that a life keeps between its runs. A run continues with the conversation that the one before it has
// left, so it reads no row, and everything that is known by a message's identity still holds.
import { Conversation, countBytes } from "../../agent/context/conversation.ts";
import type { LoopInput } from "../../agent/ports.ts";
import type { Life } from "../life.ts";
import { readHistory } from "../run/summaries.ts";
import { historyBudget } from "./history-budget.ts";
import type { WaitingRow } from "./thread-memory.ts";

type OpenHistory = Required<Pick<LoopInput, "history" | "summary" | "opening" | "answers" | "conversation">>;

/** What a run's model reads. The run adds to `conversation` what it stores. */
export function openHistory(life: Life): OpenHistory {
  const kept = life.memory.history;
  // It lacks a row where a run ended between a fact and what followed it.
  const known = kept.conversation?.rows.length === kept.rows ? kept.conversation : null;
  const conversation = known ?? readConversation(life);
  if (known !== null) for (const row of kept.waiting) addWaiting(life, known, row);
  const { answers } = kept;
  const { rows: history, summary, opening } = conversation;
  Object.assign(kept, { conversation, rows: history.length, waiting: [], waiting_bytes: 0 });
  historyBudget.lend(kept);
  return { history, summary, opening, answers, conversation };
}

function readConversation(life: Life): Conversation {
  const stored = readHistory(life.database.sql, life.environment.notes);
  life.memory.history.answers = stored.answers;
  return new Conversation(stored);
}

function addWaiting(
  { environment, memory }: Life,
  conversation: Conversation,
  { seq, message, said_at }: WaitingRow,
): void {
  if (message.role === "tool" && said_at !== null) memory.history.answers.set(message.tool_call_id, said_at);
  const note = message.role === "user" ? environment.notes.findLast((each) => each.seq === seq) : undefined;
  conversation.add(message.role === "user" && note !== undefined ? { ...message, preamble: note.text } : message);
}

/** A row that a run has stored and adds by itself. Inside its transaction. */
export function noteOwn({ memory: { history } }: Life): void {
  if (history.conversation === null) return;
  history.rows += 1;
}

/** A row for the run that starts. Inside its transaction. */
export function noteWaiting({ memory: { history } }: Life, row: WaitingRow): void {
  if (history.conversation === null) return;
  history.waiting.push(row);
  // Runs that fail before they open the history leave theirs to the next one.
  history.waiting_bytes += countBytes(row.message);
  historyBudget.use(history, history.conversation.bytes + history.waiting_bytes);
}

/** The run no longer holds it. */
export function closeHistory({ memory: { history } }: Life): void {
  if (history.conversation !== null) historyBudget.use(history, history.conversation.bytes);
}

/** The next run reads the rows. */
export function forgetHistory({ memory }: Life): void {
  historyBudget.drop(memory.history);
}
