// What a thread's model reads: its rows since the newest summary, and the messages that are sent for them. It only
// grows, so a run that continues it looks at no earlier message again: their repaired and shortened forms, their
// weights and the ids of their calls are known. The same message stays the same object.
import { bytesOf } from "../../lib/memory/text-bytes.ts";
import { imagesOf, type SentImage } from "../../protocol/message.ts";
import type { ModelMessage } from "../model.ts";
import { type Repair, repairHistory, toModelMessage } from "./history.ts";
import { keepOpening, withPreamble } from "./preamble.ts";
import { shortenMessage } from "./shortening.ts";
import type { Summary } from "./summary.ts";
import { countMessage, estimateMessage } from "./tokens.ts";

/** What a conversation begins with, as it is stored. */
export interface StoredConversation {
  /** LLM rows since `summary`, in order. */
  history: readonly ModelMessage[];
  summary: Summary | null;
  /** What stood in front of earlier messages and still holds, in front of `summary`. */
  opening: readonly string[];
}

/** For what a message in memory has beside its texts. */
const MESSAGE_BYTES = 200;

export class Conversation {
  /** As they are stored. */
  readonly rows: ModelMessage[];
  /** What the model is sent between the system prompt and the reminder. */
  readonly messages: ModelMessage[] = [];
  /** The images in `messages`. */
  readonly images: SentImage[] = [];
  /** Estimated tokens of `messages`. */
  size = 0;
  /** Of texts in memory. */
  bytes = 0;
  #summary: Summary | null;
  #opening: readonly string[];
  /** The most that the model sees of each message, and of the first `count` rows. */
  #limit = Number.POSITIVE_INFINITY;
  #limited = { count: 0, tokens: 0 };
  /** Tokens of each row as it is. */
  readonly #sizes: number[] = [];
  readonly #ids = new Set<string>();
  /** Calls of the newest reply without a result, in order, and earlier ones that were sent as lost. */
  #open: string[] = [];
  #lost = new Set<string>();
  /** Whether `messages` are what `rows` give if they are repaired as a whole. */
  #isRepaired = false;

  constructor({ history, summary, opening }: StoredConversation) {
    this.rows = [...history];
    this.#summary = summary;
    this.#opening = opening;
    for (const row of history) this.#noteRow(row);
  }

  /** Replaces all rows before the first. */
  get summary(): Summary | null {
    return this.#summary;
  }

  get opening(): readonly string[] {
    return this.#opening;
  }

  /** For a run. `limit`: the most tokens that its model sees of one message. */
  begin(limit: number): void {
    const { kept: count = 0, message_limit: tokens = 0 } = this.#summary ?? {};
    const isSame = limit === this.#limit && count === this.#limited.count && tokens === this.#limited.tokens;
    this.#limit = limit;
    this.#limited = { count, tokens };
    this.#isRepaired &&= isSame;
  }

  /** Adds a row, and sends it from now on. */
  add(row: ModelMessage): void {
    this.rows.push(row);
    this.#noteRow(row);
    const short = this.#shorten(row, this.rows.length - 1);
    const shown = toModelMessage(short);
    this.#follow(row, shown !== null);
    if (shown !== null) this.#push(shown, shown === row ? this.#sizes.at(-1) : undefined);
  }

  /**
   * Rebuilds the messages if the rows, repaired as a whole, may give others. `expected`: ids of calls whose results are
   * still to come.
   */
  show(expected?: ReadonlySet<string>): void {
    if (this.#isRepaired && this.#open.length === 0 && expected === undefined) return;
    this.bytes = this.rows.reduce((sum, row) => sum + countBytes(row), 0);
    const shortened = this.rows.map((row, at) => this.#shorten(row, at));
    const before = this.#summary === null ? [] : [openWith(this.#opening, this.#summary)];
    this.messages.length = 0;
    this.images.length = 0;
    this.size = 0;
    const repair: Repair = { lost: new Set(), places: [] };
    const repaired = repairHistory(shortened, expected, repair);
    for (const message of before) this.#push(message);
    for (const [at, message] of repaired.entries()) {
      const place = repair.places[at] ?? -1;
      this.#push(message, message === this.rows[place] ? this.#sizes[place] : undefined);
    }
    this.#open = [];
    this.#lost = repair.lost;
    this.#isRepaired = expected === undefined;
  }

  /** The model sees no more than `tokens` tokens of each present row. Later ones get the usual limit. */
  limitRows(tokens: number): void {
    this.#limited = { count: this.rows.length, tokens };
    this.#isRepaired = false;
    this.show();
  }

  /** Replaces the rows before `from`. */
  compact(summary: Summary, from: number): void {
    this.#opening = keepOpening(this.#opening, this.rows.slice(0, from));
    this.#summary = summary;
    this.rows.splice(0, from);
    this.#sizes.splice(0, from);
    this.#limited = { count: summary.kept, tokens: summary.message_limit };
    this.#isRepaired = false;
    this.show();
  }

  /**
   * For the replies of a run, which add theirs, also those that are not stored in the end. Null when the ids of the
   * thread's earlier calls are not all known: later lives know only those after a summary, so behind one all take new
   * ids.
   */
  get callIds(): Set<string> | null {
    return this.#summary === null ? this.#ids : null;
  }

  #noteRow(row: ModelMessage): void {
    this.bytes += countBytes(row);
    this.#sizes.push(countMessage(row));
    if (row.role === "assistant") for (const { id } of row.tool_calls ?? []) this.#ids.add(id);
  }

  /** Whether repairing the whole would put the next message, which is sent last, where it is. */
  #follow(row: ModelMessage, isShown: boolean): void {
    if (row.role === "tool") {
      const isNext = this.#open[0] === row.tool_call_id && !this.#lost.has(row.tool_call_id);
      if (isNext) this.#open.shift();
      else this.#isRepaired = false;
      return;
    }
    if (!isShown) return;
    if (this.#open.length > 0) this.#isRepaired = false;
    this.#open = row.role === "assistant" ? (row.tool_calls ?? []).map(({ id }) => id) : [];
  }

  #shorten(row: ModelMessage, at: number): ModelMessage {
    const { count, tokens } = this.#limited;
    const limit = at < count ? Math.min(tokens, this.#limit) : this.#limit;
    if ((this.#sizes[at] ?? 0) <= limit) return row;
    const short = shortenMessage(row, limit);
    if (short !== row) this.bytes += countBytes(short);
    return short;
  }

  #push(shown: ModelMessage, size = estimateMessage(shown)): void {
    this.messages.push(shown);
    this.size += size;
    if (shown.role === "user" && typeof shown.content !== "string") this.images.push(...imagesOf(shown.content));
  }
}

function openWith(opening: readonly string[], { message }: Summary): ModelMessage {
  return opening.length === 0 ? message : withPreamble({ ...message, preamble: opening.join("\n\n") });
}

/** Of a message in memory. */
export function countBytes(message: ModelMessage): number {
  const { content } = message;
  let sum = MESSAGE_BYTES;
  if (typeof content === "string") sum += bytesOf(content);
  else if (content !== null)
    for (const part of content) sum += "text" in part ? bytesOf(part.text) : part.image_url.url.length;
  if (message.role !== "assistant") return sum;
  for (const { function: called } of message.tool_calls ?? []) sum += MESSAGE_BYTES + bytesOf(called.arguments);
  return message.extras === undefined ? sum : sum + bytesOf(JSON.stringify(message.extras.values));
}
