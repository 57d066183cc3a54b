// The place in the page, as the address has it: a reload, a link and the back button find it again. All of it is in the
// fragment, which no server and no log ever sees.
import { type Fragment, readFragment } from "./fragment.ts";
import { Store } from "./store.ts";

export type Place = Omit<Fragment, "key">;

export const nowhere: Place = { thread: null, settings: null };
export const place = new Store<Place>(nowhere);

/** `onKey` receives a key that an address brings, and the place it leads to; until it goes there, the page stays. */
export function followAddress(onKey: (key: string, next: Place) => void): void {
  const read = (): void => readAddress(onKey);
  read();
  window.addEventListener("hashchange", read);
  window.addEventListener("popstate", read);
}

function readAddress(onKey: (key: string, next: Place) => void): void {
  const { key, ...next } = readFragment(location.hash);
  const now = place.get();
  if (key !== null) {
    // At once, so that it is in no history, screenshot or link.
    history.replaceState(null, "", addressOf(now));
    onKey(key, next);
  } else if (now.thread !== next.thread || now.settings !== next.settings) place.set(next);
}

/** Before `followAddress` has read it. */
export function placeNow(): Place {
  const { key: _, ...now } = readFragment(location.hash);
  return now;
}

/** `replace` where the back button should not lead here: a new thread that has got its id is the same place. */
export function go(change: Partial<Place>, { replace = false } = {}): void {
  const next = { ...place.get(), ...change };
  if (replace) history.replaceState(null, "", addressOf(next));
  else history.pushState(null, "", addressOf(next));
  place.set(next);
}

/** A full load, so that nothing stays in memory. */
export function startOver(next: Place): void {
  history.replaceState(null, "", addressOf(next));
  location.reload();
}

/** The same, by way of another site where there is one to go to, such as the one that the person signed in at. */
export function leaveFor(next: string | null): void {
  history.replaceState(null, "", addressOf(nowhere));
  if (next !== null && /^https?:\/\//.test(next)) location.assign(next);
  else location.reload();
}

/** Where a sign-in elsewhere leads back to. */
export function addressNow(): string {
  return addressOf(place.get());
}

function addressOf({ thread, settings }: Place): string {
  const fragment = new URLSearchParams();
  if (thread !== null) fragment.set("thread", thread);
  if (settings !== null) fragment.set("settings", settings);
  const text = fragment.toString();
  return `${location.pathname}${text === "" ? "" : `#${text}`}`;
}
