// Ids of AG-UI clients. Theirs may be any text, ours are keys and names in addresses. An id like ours stays as it is.
// For any other we have one that is derived from it: the same text is the same thing again, and nobody finds a text that
// is taken for another. The user's id beside it says whose it is, as for all ids.
import { clientId, derivedId, type IdPrefix } from "../../protocol/ids.ts";
import type { SentId } from "../../protocol/thread.ts";
import { wellFormed } from "../schemas.ts";

/** Characters as JavaScript counts them. Enough for any id that is made of others. */
export const MAX_SENT_ID = 256;

export const anyId = wellFormed.min(1).max(MAX_SENT_ID).openapi({
  description: "Any text. One that is not 1 to 64 of `A-Z a-z 0-9 _ -` has a derived id in `/v1`.",
});

/** Of one request. */
export class SentIds {
  readonly #sent: SentId[] = [];

  /** Ours for a client's. */
  async toOurs(prefix: IdPrefix, sent: string): Promise<string> {
    const id = await this.find(prefix, sent);
    if (id !== sent) this.note(id, sent);
    return id;
  }

  /** The same, of which nothing is noted. */
  async find(prefix: IdPrefix, sent: string): Promise<string> {
    return clientId.safeParse(sent).success ? sent : await derivedId(prefix, "ag-ui", sent);
  }

  note(id: string, sent: string): void {
    this.#sent.push([id, sent]);
  }

  /** Those that are not the same. */
  get list(): SentId[] {
    return this.#sent;
  }
}
