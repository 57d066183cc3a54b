// Unsent text for each thread, and sent messages that the server has not accepted. Both survive a change of thread, a
// reload and a new sign-in. Both belong to this tab and to the account that typed them: another account neither sees
// nor sends them.
import { keep, listStored, recall } from "./browser-storage.ts";
import { Store } from "./store.ts";

/** A message in flight. Sent again with the same ids it is the same message. */
export interface Unsent {
  thread: string;
  run: string;
  id: string;
  text: string;
}

type Kind = "draft" | "unsent";

let typist = "";

/** A draft's key is its thread; "" is a thread that has not begun. */
export const drafts = new Store<Record<string, string>>({});

/** From now on this user types. */
export function beginTyping(user_id: string): void {
  typist = user_id;
  drafts.set(readDrafts());
}

/** Whose texts these are, for work that begins before and ends after another account signs in. */
export function typistNow(): string {
  return typist;
}

export function setDraft(thread: string, text: string): void {
  drafts.change((all) => ({ ...all, [thread]: text }));
  keep("sessionStorage", nameOf("draft", thread), text === "" ? null : text);
}

/** A refused text returns to the composer, before what was typed in the meantime. */
export function giveBack(thread: string, text: string): void {
  const typed = drafts.get()[thread] ?? "";
  setDraft(thread, typed.trim() === "" ? text : `${text}\n${typed}`);
}

export function keepUnsent(message: Unsent): void {
  keep("sessionStorage", nameOf("unsent", message.run), JSON.stringify(message));
}

export function forgetUnsent(run: string): void {
  keep("sessionStorage", nameOf("unsent", run), null);
}

export function listUnsent(thread: string): Unsent[] {
  return listStored("sessionStorage", nameOf("unsent", "")).flatMap((name) => {
    const message = readUnsent(recall("sessionStorage", name));
    return message?.thread === thread ? [message] : [];
  });
}

/** Signing out removes all drafts, other accounts' too. */
export function forgetTyped(): void {
  for (const name of listStored("sessionStorage", "taskloom ")) keep("sessionStorage", name, null);
  drafts.set({});
}

/** User ids have no spaces. */
function nameOf(kind: Kind, rest: string): string {
  return `taskloom of ${typist} ${kind} ${rest}`;
}

function readDrafts(): Record<string, string> {
  const start = nameOf("draft", "");
  const names = listStored("sessionStorage", start);
  return Object.fromEntries(names.map((name) => [name.slice(start.length), recall("sessionStorage", name) ?? ""]));
}

function readUnsent(text: string | null): Unsent | null {
  try {
    return JSON.parse(text ?? "null") as Unsent | null;
  } catch {
    return null;
  }
}
