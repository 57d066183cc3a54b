// What a person has typed and not sent, for each thread, and what they sent that the server has not taken: neither is lost by
// going to another thread, by a reload, or by signing in again. Both are this tab's own.
import { keep, listKept, recall } from "./kept.ts";
import { Store } from "./store.ts";

/** A message on its way. Sent again with the same ids it is the same message. */
export interface Unsent {
  thread: string;
  run: string;
  id: string;
  text: string;
}

const [draftName, unsentName] = ["taskloom draft ", "taskloom unsent "];

/** The key of a draft is its thread, "" is a thread that has not begun. */
export const drafts = new Store<Record<string, string>>(readDrafts());

export function setDraft(thread: string, text: string): void {
  drafts.change((all) => ({ ...all, [thread]: text }));
  keep("sessionStorage", draftName + thread, text === "" ? null : text);
}

/** What was not taken stands in the box again, before what was typed meanwhile. */
export function giveBack(thread: string, text: string): void {
  const typed = drafts.get()[thread] ?? "";
  setDraft(thread, typed.trim() === "" ? text : `${text}\n${typed}`);
}

export function keepUnsent(message: Unsent): void {
  keep("sessionStorage", unsentName + message.run, JSON.stringify(message));
}

export function forgetUnsent(run: string): void {
  keep("sessionStorage", unsentName + run, null);
}

export function listUnsent(thread: string): Unsent[] {
  return listKept("sessionStorage", unsentName).flatMap((name) => {
    const message = readUnsent(recall("sessionStorage", name));
    return message?.thread === thread ? [message] : [];
  });
}

/** Whoever signs out leaves nothing behind. */
export function forgetTyped(): void {
  for (const name of listKept("sessionStorage", "taskloom ")) keep("sessionStorage", name, null);
  drafts.set({});
}

function readDrafts(): Record<string, string> {
  const names = listKept("sessionStorage", draftName);
  return Object.fromEntries(names.map((name) => [name.slice(draftName.length), recall("sessionStorage", name) ?? ""]));
}

function readUnsent(text: string | null): Unsent | null {
  try {
    return JSON.parse(text ?? "null") as Unsent | null;
  } catch {
    return null;
  }
}
