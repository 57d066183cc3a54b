// A thread without a title is named after the first message with text that it accepts, by whichever route that arrives.
import { toTitle } from "../../lib/title.ts";
import { textOf, type UserContent } from "../../protocol/message.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { isoTime, type Life, storeThreadChange } from "../life.ts";

/** Inside the transaction that stores the input, so D1 gets both in one batch. */
export function nameThread(life: Life, input: RunInput): void {
  if (life.thread.title !== null) return;
  const title = input.title === undefined ? findTitle(input.messages) : input.title;
  if (title !== null) storeThreadChange(life, { ...life.thread, title, updated_at: isoTime(life) });
}

/** A thread that is named after its first message is named after the one in its place. Inside a transaction. */
export function renameThread(life: Life, former: UserContent, messages: RunInput["messages"]): void {
  if (life.thread.title === null || life.thread.title !== toTitle(textOf(former))) return;
  storeThreadChange(life, { ...life.thread, title: findTitle(messages), updated_at: isoTime(life) });
}

function findTitle(messages: RunInput["messages"]): string | null {
  for (const { content } of messages) {
    const title = toTitle(textOf(content));
    if (title !== null) return title;
  }
  return null;
}
