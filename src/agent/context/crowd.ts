// How long a conversation may be in memory. A run holds its conversation to its end, and the runs of an isolate share its
// memory. So there is a limit in bytes beside the model's in tokens: the usual one is more than models read, and where
// many long ones run at a time, each gets less and is summarized sooner. None waits for another.
import { Room, Share } from "../../lib/memory/room.ts";
import type { Conversation } from "./conversation.ts";

const MIB = 1024 * 1024;
/** Two million tokens of English, four of Chinese. A request takes it twice more while it is sent. */
export const MAX_CONVERSATION_BYTES = 8 * MIB;
/** Of all that run. */
const MAX_CROWD_BYTES = 12 * MIB;
/** Whatever the others hold: as much as models with 64,000 tokens read. */
const MIN_CONVERSATION_BYTES = MIB / 4;

const crowd = new Room("conversations", MAX_CROWD_BYTES);

/** Whether conversations hold all that they may: then no long one should begin. */
export function isCrowded(): boolean {
  return crowd.held >= MAX_CROWD_BYTES;
}

/** The place of a run's conversation. */
export class RunPlace {
  readonly #share = new Share(crowd);

  /** Notes how long the conversation is now, and says how long it may be. */
  limit(bytes: number): number {
    this.#share.set(bytes);
    const left = MAX_CROWD_BYTES - (crowd.held - bytes);
    return Math.max(MIN_CONVERSATION_BYTES, Math.min(MAX_CONVERSATION_BYTES, left));
  }

  leave(): void {
    this.#share.set(0);
  }
}

/** The room in tokens, and no more than what this conversation has in so many bytes. */
export function boundRoom(room: number, { size, bytes }: Pick<Conversation, "size" | "bytes">, limit: number): number {
  return bytes === 0 ? room : Math.min(room, Math.floor((size * limit) / bytes));
}
