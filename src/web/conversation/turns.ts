// The turns of a conversation: a person's message, and what follows until the next one.
import type { Item } from "../client/conversation.ts";

/** By the item that ends a turn, the id of its message. Only what can have buttons ends one: a text, or the end of a run. */
export function endsOfTurns(items: Item[]): Map<Item, string> {
  const ends = new Map<Item, string>();
  let turn: string | null = null;
  let last: Item | null = null;
  for (const item of [...items, null]) {
    if (item === null || item.kind === "user") {
      if (turn !== null && last !== null) ends.set(last, turn);
      turn = item?.id ?? null;
      last = null;
    } else if (item.kind === "text" || item.kind === "end") last = item;
  }
  return ends;
}

/** Whether all of it is text: a picture would be lost in a field of text. */
export function isEditable({ text }: { text: string }): boolean {
  return !text.includes("🖼");
}
