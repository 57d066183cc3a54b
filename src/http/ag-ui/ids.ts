// Ids of AG-UI clients. Theirs may be any text, ours are keys and names in addresses. An id like ours stays as it is.
// For any other we have one that is derived from it: the same text is the same thing again, and nobody finds a text that
// is taken for another. The user's id beside it says whose it is, as for all ids.
import { derivedId, type IdPrefix, isClientId } from "../../protocol/ids.ts";
import type { SentId } from "../../protocol/thread.ts";
import { wellFormed } from "../schemas.ts";

/** Characters as JavaScript counts them. Enough for any id that is made of others. */
export const MAX_SENT_ID = 256;

export const anyId = wellFormed.min(1).max(MAX_SENT_ID).openapi({
  description: "Any text. One that is not 1 to 64 of `A-Z a-z 0-9 _ -` has a derived id in `/v1`.",
});

/** A hash takes some 20 µs, and a history may have a name for each of its bytes: others get a turn after so many. */
const IDS_AT_ONCE = 1_000;

/** Of one request. */
export class SentIds {
  readonly #sent: SentId[] = [];
  readonly #derived = new Map<string, string>();

  /** Ours for a client's. */
  async toOurs(prefix: IdPrefix, sent: string): Promise<string> {
    const id = await this.find(prefix, sent);
    if (id !== sent) this.note(id, sent);
    return id;
  }

  /** The same of many messages. */
  async renameAll<Message extends { message_id: string }>(prefix: IdPrefix, messages: Message[]): Promise<Message[]> {
    const renamed = await this.findAll(prefix, messages);
    for (const [place, { message_id: sent }] of messages.entries()) {
      const id = renamed[place]?.message_id ?? sent;
      if (id !== sent) this.note(id, sent);
    }
    return renamed;
  }

  /** The same, of which nothing is noted: they only say which messages the client shows. */
  async findAll<Message extends { message_id: string }>(prefix: IdPrefix, messages: Message[]): Promise<Message[]> {
    const found: Message[] = [];
    for (const message of messages) {
      const { message_id: sent } = message;
      // Nothing is awaited for an id that stays.
      const message_id = isClientId(sent) ? sent : await this.find(prefix, sent);
      found.push(message_id === sent ? message : { ...message, message_id });
    }
    return found;
  }

  async find(prefix: IdPrefix, sent: string): Promise<string> {
    if (isClientId(sent)) return sent;
    const name = `${prefix} ${sent}`;
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    if (this.#derived.size % IDS_AT_ONCE === IDS_AT_ONCE - 1) await new Promise((resolve) => setTimeout(resolve, 0));
    const id = await derivedId(prefix, "ag-ui", sent);
    this.#derived.set(name, id);
    return id;
  }

  note(id: string, sent: string): void {
    this.#sent.push([id, sent]);
  }

  /** Those that are not the same. */
  get list(): SentId[] {
    return this.#sent;
  }
}
