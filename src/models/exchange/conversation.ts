// The conversation of a request as JSON. It only grows from call to call, so what no later message changes is written
// once and kept as text, and a call adds what is new. A call that begins otherwise (after a summary, with another model,
// or once a refusal has taught something) is written from its start.
import type { ModelMessage, ModelRequest } from "../../agent/model.ts";
import { escapeFew } from "../../lib/json/ascii.ts";
import { Room } from "../../lib/memory/room.ts";
import { isWide } from "../../lib/memory/text-bytes.ts";
import type { WireContext } from "./wire.ts";

/** Writes one conversation in the form of a dialect, message by message. It may remember what it has written. */
export interface ConversationWriter<Item> {
  /** Adds what the message is on the wire to the open items. It may replace the last of them. */
  add(open: Item[], message: ModelMessage): void;
  /** How many of the open items stay as they are, whatever follows. */
  countSettled(open: readonly Item[]): number;
  /** An item as it is sent from now on. Called for each settled item, in order. */
  settle(item: Item): Item;
  /** The open items at the end of a request. They stay as they are for the next one. */
  end(open: readonly Item[], reminder: string | null): Item[];
}

interface Kept {
  shape: object;
  /** The messages that were written. */
  messages: ModelMessage[];
  writer: ConversationWriter<unknown>;
  open: unknown[];
  /** The settled items, joined by commas. */
  text: string;
  /** A character in it is not Latin, so each takes two bytes. */
  isWide: boolean;
  /** Null until it is counted. */
  ref: WeakRef<Kept> | null;
}

/** Of all conversations of an isolate. One that is longer by itself is written anew for each request. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** What one takes beside its text. It also bounds their number. */
const OVERHEAD_BYTES = 2000;

/** By the first message after the system prompt, which is the same object for as long as a thread's object lives. */
const kept = new WeakMap<ModelMessage, Kept>();
/** The bytes of each, the longest unused first. */
const sizes = new Map<WeakRef<Kept>, number>();
const room = new Room("requests", MAX_KEPT_BYTES);

export function writeConversation<Item>(
  { messages, reminder = null }: ModelRequest,
  context: WireContext,
  createWriter: (context: WireContext) => ConversationWriter<Item>,
): string {
  const { shape } = context;
  const first = messages.find(({ role }) => role !== "system");
  if (shape === undefined || first === undefined)
    return `[${listItems(messages, reminder, createWriter(context)).map(writeItem).join(",")}]`;
  const known = kept.get(first);
  const isSame = known?.shape === shape && goesOn(known, messages);
  const conversation: Kept = isSame
    ? known
    : {
        ...{ shape, messages: [], writer: createWriter(context) as ConversationWriter<unknown>, open: [] },
        ...{ text: "", isWide: false, ref: null },
      };
  // What throws in between leaves nothing half written behind.
  kept.delete(first);
  if (known !== undefined && !isSame) forget(known.ref);
  advance(conversation, messages);
  const { text, writer, open } = conversation;
  const end = writer.end(open, reminder).map(writeItem).join(",");
  kept.set(first, conversation);
  note(conversation);
  return `[${text}${text === "" || end === "" ? "" : ","}${end}]`;
}

function writeItem(item: unknown): string {
  return escapeFew(JSON.stringify(item));
}

/** The items of a request, without anything kept. */
export function listItems<Item>(
  messages: readonly ModelMessage[],
  reminder: string | null,
  writer: ConversationWriter<Item>,
): Item[] {
  const items: Item[] = [];
  for (const message of messages) writer.add(items, message);
  return writer.end(items, reminder);
}

/** Whether the messages begin with those that were written. The system prompt is made anew for each run. */
function goesOn({ messages: before }: Kept, messages: readonly ModelMessage[]): boolean {
  if (before.length === 0 || before.length > messages.length) return false;
  return before.every((one, at) => {
    const other = messages[at];
    return one === other || (one.role === "system" && other?.role === "system" && one.content === other.content);
  });
}

function advance(conversation: Kept, messages: readonly ModelMessage[]): void {
  const { writer, open, messages: before } = conversation;
  const settled: string[] = [];
  for (let at = before.length; at < messages.length; at++) {
    const message = messages[at] as ModelMessage;
    before.push(message);
    writer.add(open, message);
    const count = writer.countSettled(open);
    for (let each = 0; each < count; each++) settled.push(writeItem(writer.settle(open[each])));
    if (count > 0) open.splice(0, count);
  }
  conversation.isWide ||= settled.some(isWide);
  if (settled.length === 0) return;
  // Added, and not joined with what there is: V8 copies none of a long text then.
  const more = settled.join(",");
  conversation.text = conversation.text === "" ? more : `${conversation.text},${more}`;
}

function note(conversation: Kept): void {
  conversation.ref ??= new WeakRef(conversation);
  const { ref } = conversation;
  const size = conversation.text.length * (conversation.isWide ? 2 : 1) + OVERHEAD_BYTES;
  const before = sizes.get(ref) ?? 0;
  sizes.delete(ref);
  sizes.set(ref, size);
  room.add(size - before);
  if (!room.fits(0)) shrink();
}

function shrink(): void {
  for (const each of sizes.keys()) if (each.deref() === undefined) forget(each);
  for (const each of sizes.keys()) {
    if (room.fits(0)) return;
    forget(each);
  }
}

function forget(ref: WeakRef<Kept> | null): void {
  if (ref === null) return;
  room.add(-(sizes.get(ref) ?? 0));
  sizes.delete(ref);
  Object.assign(ref.deref() ?? {}, { messages: [], open: [], text: "", isWide: false });
}
