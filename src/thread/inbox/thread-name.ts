// A thread without a title is named after the first message with text that it accepts, by whichever route that arrives.
import { toTitle } from "../../lib/title.ts";
import { textOf } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { isoTime, type Life, storeThreadChange } from "../life.ts";

/** Inside the transaction that stores the input, so D1 gets both in one batch. */
export function nameThread(life: Life, input: RunInput): void {
  if (life.thread.title !== null) return;
  const title = input.title === undefined ? findTitle(input) : input.title;
  if (title !== null) storeThreadChange(life, { ...life.thread, title, updated_at: isoTime(life) });
}

function findTitle({ messages }: RunInput): string | null {
  for (const { content } of messages) {
    const title = toTitle(textOf(content));
    if (title !== null) return title;
  }
  return null;
}
