// What a reader is told that can't be given exactly what it missed: the conversation as messages, the state, and
// everything that is open. It holds at most the newest 1 MiB of messages.
import type { AgUiMessage, ThreadEvent } from "../protocol/event.ts";
import { isTerminal, type Run } from "../protocol/run.ts";
import { reasoningId, toAgUiMessages } from "./events.ts";
import { frameOf } from "./journal.ts";
import type { Life } from "./life.ts";
import { readMessagesBefore } from "./messages.ts";

const LARGEST_SNAPSHOT_BYTES = 1024 * 1024;
const ROWS_PER_READ = 50;

type Assistant = Extract<AgUiMessage, { role: "assistant" }>;

const encoder = new TextEncoder();

/** The stored messages, and of a message in the making the parts that have ended. */
export function messagesSnapshot(life: Life): ThreadEvent {
  const newestFirst: AgUiMessage[] = [];
  let size = 0;
  const add = (message: AgUiMessage): boolean => {
    size += encoder.encode(JSON.stringify(message)).byteLength;
    // The newest message is given in any case.
    if (size > LARGEST_SNAPSHOT_BYTES && newestFirst.length > 0) return false;
    newestFirst.push(message);
    return true;
  };
  for (const message of messagesInTheMaking(life).reverse()) if (!add(message)) return snapshotOf(newestFirst);
  let before = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = readMessagesBefore(life.database.sql, life.thread, before, ROWS_PER_READ);
    for (const row of rows) {
      for (const message of toAgUiMessages(row).reverse()) if (!add(message)) return snapshotOf(newestFirst);
      before = row.seq;
    }
    if (rows.length < ROWS_PER_READ) return snapshotOf(newestFirst);
  }
}

function snapshotOf(newestFirst: AgUiMessage[]): ThreadEvent {
  return { type: "MESSAGES_SNAPSHOT", messages: newestFirst.reverse() };
}

/** A message's reasoning stands before it, in one piece, as its row will tell it. */
function messagesInTheMaking(life: Life): AgUiMessage[] {
  const reasonings = new Map<string, string>();
  const assistants = new Map<string, Assistant>();
  for (const part of life.journal.liveParts().filter(({ open }) => !open)) {
    const { message_id, text } = part;
    const head = part.heads[0];
    if (head?.type === "REASONING_START") {
      reasonings.set(message_id, (reasonings.get(message_id) ?? "") + text);
      continue;
    }
    const assistant = assistants.get(message_id) ?? { id: message_id, role: "assistant" };
    assistants.set(message_id, assistant);
    if (head?.type === "TEXT_MESSAGE_START") assistant.content = (assistant.content ?? "") + text;
    if (head?.type === "TOOL_CALL_START") {
      const { toolCallId: id, toolCallName: name } = head;
      assistant.toolCalls = [
        ...(assistant.toolCalls ?? []),
        { id, type: "function", function: { name, arguments: text } },
      ];
    }
  }
  return [...new Set([...reasonings.keys(), ...assistants.keys()])].flatMap((id) => {
    const reasoning = reasonings.get(id);
    const assistant = assistants.get(id);
    return [
      ...(reasoning === undefined ? [] : [{ id: reasoningId(id), role: "reasoning" as const, content: reasoning }]),
      ...(assistant === undefined ? [] : [assistant]),
    ];
  });
}

/** The frames of a resync. Only the last one has an id: who is cut before it asks again from where it was. */
export function resyncFrames(life: Life, run: Run | null, terminal: ThreadEvent | null, seq: number): string[] {
  const events: ThreadEvent[] = [];
  if (run !== null) {
    const { thread_id: threadId, invocation_id: runId } = run;
    events.push({ type: "RUN_STARTED", threadId, runId, protocolVersion: "1.0", metadata: { resync: true } });
  }
  events.push(messagesSnapshot(life), { type: "STATE_SNAPSHOT", snapshot: life.state.value });
  if (run !== null && !isTerminal(run.status)) {
    for (const stepName of life.openSteps) events.push({ type: "STEP_STARTED", stepName });
    for (const part of life.journal.liveParts().filter(({ open }) => open)) {
      events.push(...part.heads);
      if (part.text !== "") events.push(part.content(part.text));
    }
  }
  if (terminal !== null) events.push(terminal);
  return events.map((event, index) => frameOf(index === events.length - 1 ? seq : null, event));
}
