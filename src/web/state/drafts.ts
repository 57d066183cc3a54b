// What a person has typed and not sent, for each thread, and what they sent that the server has not taken: neither is lost by
// going to another thread, by a reload, or by signing in again. Both are this tab's own, and the account's that typed them: another
// account that signs in here neither sees nor sends them.
import { keep, listKept, recall } from "./kept.ts";
import { Store } from "./store.ts";

/** A message on its way. Sent again with the same ids it is the same message. */
export interface Unsent {
  thread: string;
  run: string;
  id: string;
  text: string;
}

type Kind = "draft" | "unsent";

let typist = "";

/** The key of a draft is its thread, "" is a thread that has not begun. */
export const drafts = new Store<Record<string, string>>({});

/**
 * From now on it is this user who types. A former version of the page didn't note whose its texts were: `isHeir` takes them over,
 * who comes with another key than that page had does not.
 */
export function beginTyping(user_id: string, { isHeir }: { isHeir: boolean }): void {
  typist = user_id;
  for (const kind of ["draft", "unsent"] as const) {
    const former = `taskloom ${kind} `;
    for (const name of listKept("sessionStorage", former)) {
      if (isHeir) keep("sessionStorage", nameOf(kind, name.slice(former.length)), recall("sessionStorage", name));
      keep("sessionStorage", name, null);
    }
  }
  drafts.set(readDrafts());
}

/** Whose texts these are; for what began before and ends after another account has signed in. */
export function typistNow(): string {
  return typist;
}

export function setDraft(thread: string, text: string): void {
  drafts.change((all) => ({ ...all, [thread]: text }));
  keep("sessionStorage", nameOf("draft", thread), text === "" ? null : text);
}

/** What was not taken stands in the box again, before what was typed meanwhile. */
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
  return listKept("sessionStorage", nameOf("unsent", "")).flatMap((name) => {
    const message = readUnsent(recall("sessionStorage", name));
    return message?.thread === thread ? [message] : [];
  });
}

/** Whoever signs out leaves nothing behind, and nobody else's either. */
export function forgetTyped(): void {
  for (const name of listKept("sessionStorage", "taskloom ")) keep("sessionStorage", name, null);
  drafts.set({});
}

/** Ids of users have no spaces. */
function nameOf(kind: Kind, rest: string): string {
  return `taskloom of ${typist} ${kind} ${rest}`;
}

function readDrafts(): Record<string, string> {
  const start = nameOf("draft", "");
  const names = listKept("sessionStorage", start);
  return Object.fromEntries(names.map((name) => [name.slice(start.length), recall("sessionStorage", name) ?? ""]));
}

function readUnsent(text: string | null): Unsent | null {
  try {
    return JSON.parse(text ?? "null") as Unsent | null;
  } catch {
    return null;
  }
}
