// The resync, for a reader that can't get exactly what it missed: the conversation as messages, the state, and
// everything that is open. It holds at most the newest 1 MiB of messages.
import { toOneLine } from "../../lib/json/one-line.ts";
import type { AgUiMessage, ClientEvent, ThreadEvent } from "../../protocol/event.ts";
import { isTerminal, type Run } from "../../protocol/run.ts";
import type { Life } from "../life.ts";
import { lastMessageSeq, readMessages, readMessagesBefore } from "../rows/messages.ts";
import type { ClientEvents } from "./ag-ui/client.ts";
import { reasoningId, toAgUiMessages } from "./events.ts";
import { inPieces } from "./memory/text-pieces.ts";
import { framesWithLastId } from "./open-parts.ts";

const MAX_SNAPSHOT_BYTES = 1024 * 1024;
const ROWS_PER_READ = 50;

type Assistant = Extract<AgUiMessage, { role: "assistant" }>;

const encoder = new TextEncoder();

/**
 * The messages of a snapshot: those of the rows `first` to `last`, without the first `skipped` messages of row `first`,
 * and the unstored ones.
 */
interface Selection {
  first: number;
  skipped: number;
  last: number;
  unstored: AgUiMessage[];
}

// Selecting messages reads a mebibyte, and many readers need a resync at the same time: after a crash, or when a part
// is long.
const selections = new WeakMap<Life, { key: string; selection: Selection }>();

/** The cached selection, as long as no message was stored and no part ended since. */
function selectMessages(life: Life): Selection {
  const ended = life.journal.unstoredAfter(0).filter(({ end }) => end !== null);
  const key = [lastMessageSeq(life.database.sql), ...ended.map(({ part_id }) => part_id)].join("\n");
  const known = selections.get(life);
  if (known?.key === key) return known.selection;
  const selection = select(life);
  selections.set(life, { key, selection });
  return selection;
}

/** The newest messages that are no larger together than a snapshot may be. */
function select(life: Life): Selection {
  const unstored: AgUiMessage[] = [];
  let size = 0;
  let count = 0;
  const fits = (message: AgUiMessage): boolean => {
    size += encoder.encode(JSON.stringify(message)).byteLength;
    count += 1;
    // The newest message is always included.
    return size <= MAX_SNAPSHOT_BYTES || count === 1;
  };
  const none = { first: Number.MAX_SAFE_INTEGER, skipped: 0, last: 0 };
  for (const message of unstoredMessages(life).reverse()) {
    if (!fits(message)) return { ...none, unstored };
    unstored.unshift(message);
  }
  const last = lastMessageSeq(life.database.sql);
  let first = last + 1;
  for (;;) {
    const rows = readMessagesBefore(life.database.sql, life.thread, first, ROWS_PER_READ);
    for (const row of rows) {
      const messages = toAgUiMessages(row);
      const left = messages.findLastIndex((message) => !fits(message));
      if (left >= 0) return { first: row.seq, skipped: left + 1, last, unstored };
      first = row.seq;
    }
    if (rows.length < ROWS_PER_READ) return { first, skipped: 0, last, unstored };
  }
}

/** Call it when messages are superseded: the cached selection has them. */
export function forgetSelection(life: Life): void {
  selections.delete(life);
}

/**
 * The messages of a selection, one row at a time. A row's message never changes, so it may be read at any time; those
 * that are superseded meanwhile are left out, and readers get another snapshot.
 */
function* readSelection(life: Life, { first, skipped, last, unstored }: Selection): Generator<Selected> {
  for (let before = first - 1; before < last; ) {
    const [row] = readMessages(life.database.sql, life.thread, before, 1);
    // Where the others are superseded, the next one is newer: it comes as an event.
    if (row === undefined || row.seq > last) break;
    const messages = toAgUiMessages(row);
    for (let place = row.seq === first ? skipped : 0; place < messages.length; place++) {
      yield { key: `${row.seq}.${place}`, message: () => messageAt(life, row.seq, place) };
    }
    before = row.seq;
  }
  for (const [place, message] of unstored.entries()) yield { key: `new.${place}`, message: () => message };
}

interface Selected {
  key: string;
  message: () => AgUiMessage;
}

function messageAt(life: Life, seq: number, place: number): AgUiMessage {
  const [row] = readMessages(life.database.sql, life.thread, seq - 1, 1, { all: true });
  const message = row === undefined ? undefined : toAgUiMessages(row)[place];
  if (message === undefined) throw new Error("a stored message was not found");
  return message;
}

/** The stored messages, and the ended parts of a message that is not stored yet. */
export function messagesSnapshot(life: Life): ThreadEvent {
  const messages = [...readSelection(life, selectMessages(life))].map(({ message }) => message());
  return { type: "MESSAGES_SNAPSHOT", messages };
}

/** A message's reasoning comes before it in one piece, as its row will have it. */
function unstoredMessages(life: Life): AgUiMessage[] {
  const reasonings = new Map<string, string>();
  const assistants = new Map<string, Assistant>();
  for (const part of life.journal.liveParts().filter(({ open }) => !open)) {
    const { message_id, text } = part;
    const head = part.startEvents[0];
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

/**
 * The opening of a resync at `seq`. A reader takes it at its own pace, and each message is read when the reader comes
 * to it. Open parts are sent after it, with their text up to then. Only the last frame of the resync has an id: the
 * terminal event, or the state if nothing is open and nothing follows.
 */
export function resyncOpening(
  life: Life,
  run: Run | null,
  terminal: ThreadEvent | null,
  seq: number,
  client?: ClientEvents,
): Iterable<string> {
  const sent = (event: ThreadEvent): ClientEvent => client?.event(event) ?? event;
  const before: ClientEvent[] = [];
  const after: ClientEvent[] = [{ type: "STATE_SNAPSHOT", snapshot: life.state.value }];
  let lastId: number | null = seq;
  if (run !== null) {
    const { thread_id: threadId, invocation_id: runId } = run;
    before.push(sent({ type: "RUN_STARTED", threadId, runId, protocolVersion: "1.0", metadata: { resync: true } }));
    if (!isTerminal(run.status)) {
      for (const stepName of life.openSteps) after.push({ type: "STEP_STARTED", stepName });
      if (life.journal.liveParts().some(({ open }) => open)) lastId = null;
    }
  }
  if (terminal !== null) after.push(sent(terminal));
  const owner = `${life.journal.key}s:${seq}:${client?.key ?? ""}:`;
  const messages = readSelection(life, selectMessages(life));
  const texts = client === undefined ? messages : withIdsOf(client, messages);
  return renderResync(texts, owner, framesWithLastId(before, null), framesWithLastId(after, lastId));
}

function* withIdsOf(client: ClientEvents, messages: Iterable<Selected>): Generator<Selected> {
  for (const { key, message } of messages) yield { key, message: () => client.message(message()) };
}

function* renderResync(messages: Iterable<Selected>, owner: string, before: string, after: string): Generator<string> {
  yield `${before}data: {"type":"MESSAGES_SNAPSHOT","messages":[`;
  let separator = "";
  for (const { key, message } of messages) {
    yield separator;
    yield* inPieces(owner + key, () => toOneLine(message()));
    separator = ",";
  }
  yield `]}\n\n${after}`;
}
