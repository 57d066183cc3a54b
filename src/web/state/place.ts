// Where in the page a person is, as the address says it: a reload, a link and the browser's way back find it again. All of it
// stands in the fragment, which no server and no log ever sees.
import { keep, recall } from "./kept.ts";
import { Store } from "./store.ts";

export interface Place {
  /** Null is a thread that has not begun. */
  thread: string | null;
  /** What is open over the thread. */
  settings: string | null;
}

const storedKey = "taskloom key";

export const signedIn = new Store<string | null>(null);
export const place = new Store<Place>({ thread: null, settings: null });

/** Takes the key out of the address, so that it is in no history, screenshot or link. */
export function readAddress(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const key = fragment.get("key");
  const next = { thread: fragment.get("thread") || null, settings: fragment.get("settings") };
  if (key !== null) {
    keepKey(key);
    history.replaceState(null, "", addressOf(next));
  } else if (signedIn.get() === null) signedIn.set(recall("localStorage", storedKey));
  const now = place.get();
  if (now.thread !== next.thread || now.settings !== next.settings) place.set(next);
}

export function followAddress(): void {
  readAddress();
  window.addEventListener("hashchange", readAddress);
  window.addEventListener("popstate", readAddress);
}

/** `replace` where the way back should not lead here: a new thread that has got its id is the same place. */
export function go(change: Partial<Place>, { replace = false } = {}): void {
  const next = { ...place.get(), ...change };
  if (replace) history.replaceState(null, "", addressOf(next));
  else history.pushState(null, "", addressOf(next));
  place.set(next);
}

export function keepKey(key: string): void {
  keep("localStorage", storedKey, key);
  signedIn.set(key);
}

export function forgetKey(): void {
  keep("localStorage", storedKey, null);
  signedIn.set(null);
}

function addressOf({ thread, settings }: Place): string {
  const fragment = new URLSearchParams();
  if (thread !== null) fragment.set("thread", thread);
  if (settings !== null) fragment.set("settings", settings);
  const text = fragment.toString();
  return `${location.pathname}${text === "" ? "" : `#${text}`}`;
}
