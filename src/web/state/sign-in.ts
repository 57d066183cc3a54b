// Who is signed in: by a key, or by a session, which the browser holds in a cookie and which a mark in the key's place
// stands for (key-id.ts). A tab belongs to one account from start to end: a change of account, in this tab or another,
// restarts the tab, so that drafts, lists and requests of two accounts never meet.
// Anybody can make a link that brings a key. It is used at once only where nobody is signed in. Otherwise the person is
// asked, and until they answer the key is only in this tab's memory and only used to look up its account.
import { type Account, type Found, findAccount, lookUp } from "./account.ts";
import { chosenAgent, chosenProject } from "./chosen.ts";
import { beginTyping, forgetTyped, typistNow } from "./drafts.ts";
import { isSession, markOf, sessionIdOf } from "./key-id.ts";
import { go, leaveFor, nowhere, type Place, place, placeNow, startOver } from "./place.ts";
import { describeProblem, type Problem } from "./problem.ts";
import { refusal } from "./refusal.ts";
import { endSession } from "./session-end.ts";
import { Store } from "./store.ts";
import { keepArriving, keyName, recallAccount, recallArriving, recallKey, storeKey, unstoreKey } from "./stored-key.ts";

export type SignIn =
  /** `refused`: the server never knew the key, or has ended the key or session that this tab was signed in with. */
  | { phase: "out"; refused: "unknown" | "ended" | "session" | null }
  /**
   * The key is being looked up, or with null whether this browser has a session. `place`: where the key's link leads,
   * null where there was no link.
   */
  | { phase: "asking"; key: string | null; place: Place | null }
  /** The lookup failed. */
  | { phase: "unclear"; key: string | null; place: Place | null; problem: Problem }
  /** `since` is another object after each sign-in, and the same while the account is only read again. */
  | { phase: "in"; key: string; account: Account; since: object };

export const signIn = new Store<SignIn>({ phase: "out", refused: null });

/** What a link asks for: `account` is null where the server can't say whose its key is. */
export interface Offer {
  key: string;
  place: Place;
  account: Account | null;
}

/** "unknown": the server does not know the link's key. */
export const offer = new Store<Offer | "unknown" | null>(null);

/** The link's key, from when it is read until the person has answered. */
let brought: Pick<Offer, "key" | "place"> | null = null;

/** What this tab last saw in the browser's storage; always null where that stores nothing. */
let seen: string | null = null;

export function openSignIn(): void {
  seen = recallKey();
  const arriving = recallArriving();
  // The key is requested at most once more; and another tab may have signed in while this one was waiting.
  keepArriving(null);
  const account = seen === null ? null : recallAccount(seen);
  // Whose the cookie is, and what the admin key may do, can have changed since.
  const isSure = account !== null && account.session_id === null && !account.is_admin;
  if (seen !== null && account !== null && isSure) enter(seen, account);
  else void ask(seen, null);
  if (seen === null && arriving !== null) bringKey(arriving, placeNow());
  window.addEventListener("storage", ({ key, newValue }) => {
    const isSignOut = key === keyName && newValue === "";
    if (isSignOut) {
      forgetTyped();
      keepArriving(null);
    }
    lookAtStored(isSignOut);
  });
  // A suspended tab received no storage events.
  window.addEventListener("pageshow", () => lookAtStored());
  document.addEventListener("visibilitychange", () => lookAtStored());
}

/** From the form. */
export function enterKey(key: string): void {
  void ask(asKey(key), null);
}

/** Again, where the server could not say whose the key is. */
export function askAgain(): void {
  const now = signIn.get();
  if (now.phase === "unclear") void ask(now.key, now.place);
}

/** From a link. */
export function bringKey(key: string, next: Place): void {
  brought = { key: asKey(key), place: next };
  offer.set(null);
  settle();
}

export function stay(): void {
  brought = null;
  offer.set(null);
}

/** False, without any change, where the server still can't say whose the key is. */
export async function switchAccount(): Promise<boolean> {
  const [offered, now] = [offer.get(), signIn.get()];
  if (offered === null || offered === "unknown") return true;
  const found = offered.account === null ? await findAccount(offered.key) : null;
  if (offer.get() !== offered) return true;
  if (found?.kind === "unclear") return false;
  const account = found?.kind === "known" ? found.account : offered.account;
  if (account === null) refuseOffer();
  else {
    // A session would sign in again when the person signs out of the key.
    if (now.phase === "in" && isSession(now.key)) await endSession(now.key).catch(() => null);
    become(offered.key, account, offered.place);
  }
  return true;
}

/**
 * The server no longer knows the key, or this browser no longer holds the session: it may hold a newer one. Typed text
 * stays for when the same account is back.
 */
export function refuseKey(key: string): void {
  const now = signIn.get();
  if (now.phase === "out" || now.key !== key) return;
  if (now.phase === "in" && isSession(key)) {
    void ask(key, null, { isRefused: true });
    return;
  }
  if (recallKey() === key) unstoreKey({ isSignOut: false });
  if (seen === key) seen = null;
  forgetChoices();
  const refused = isSession(key) ? "session" : now.phase === "in" ? "ended" : "unknown";
  signIn.set({ phase: "out", refused });
  settle();
}

/** With a key that the signed-in person has just made. False, without any change, where the server can't confirm it. */
export async function changeKey(key: string): Promise<boolean> {
  const found = await findAccount(key);
  if (found.kind !== "known") return false;
  become(key, found.account, place.get());
  return true;
}

/** What the key or session may do, or when it ends, can have changed. */
export async function readAccountAgain(): Promise<void> {
  const now = signIn.get();
  if (now.phase !== "in") return;
  const found = await lookUp(now.key, { isOwn: true });
  if (signIn.get() !== now) return;
  if (found?.kind === "refused") refuseKey(now.key);
  // Only what differs: whoever waits for the account's expiry would wait again for the same one.
  else if (found?.kind === "known" && JSON.stringify(found.account) !== JSON.stringify(now.account)) {
    if (now.key === seen) storeKey(now.key, found.account);
    signIn.set({ ...now, account: found.account });
  }
}

/** What kept the server from ending the session: only it can, because no script can remove the cookie. */
export const signOutProblem = new Store<Problem | null>(null);

/** `everywhere` also ends the person's sessions in other browsers. */
export async function signOut({ everywhere = false } = {}): Promise<void> {
  const now = signIn.get();
  signOutProblem.set(null);
  let next: string | null = null;
  try {
    const isHeld = now.phase === "in" || now.phase === "unclear";
    if (isHeld) next = await endSession(now.key ?? markOf(""), { everywhere });
  } catch (error) {
    signOutProblem.set(describeProblem(error));
    return;
  }
  stay();
  forgetTyped();
  unstoreKey({ isSignOut: true });
  seen = recallKey();
  leaveFor(next);
}

/** A link is handled once it is known who is signed in. */
function settle(): void {
  const now = signIn.get();
  if (brought === null) return;
  if (now.phase !== "out" && now.key === null) {
    // A reload would lose both.
    keepArriving(brought.key);
    go(brought.place, { replace: true });
    return;
  }
  const isStored = now.phase !== "out" && now.key === seen;
  if (now.phase !== "out" && now.key === brought.key) {
    go(brought.place, { replace: true });
    stay();
  } else if (now.phase === "in") void examine(now, brought);
  else if (!isStored) {
    const { key, place: next } = brought;
    go(next, { replace: true });
    stay();
    void ask(key, next);
  }
}

/** No text that somebody types or links to stands for the session. No server has an empty key. */
function asKey(text: string): string {
  return isSession(text) ? "" : text;
}

async function examine(now: SignIn & { phase: "in" }, link: Pick<Offer, "key" | "place">): Promise<void> {
  // A stored key that the server refuses counts as none: it may be another installation's.
  const [own, found] = await Promise.all([lookUp(now.key, { isOwn: true }), findAccount(link.key)]);
  if (brought !== link || signIn.get() !== now) return;
  if (own?.kind === "refused") refuseKey(now.key);
  else if (found.kind === "refused") refuseOffer();
  else offer.set({ ...link, account: found.kind === "known" ? found.account : null });
}

function refuseOffer(): void {
  brought = null;
  offer.set("unknown");
}

/** `isRefused`: the server refused the session `key`, so it counts only if the browser holds another one by now. */
async function ask(key: string | null, next: Place | null, { isRefused = false } = {}): Promise<void> {
  const asking = { phase: "asking", key, place: next } as const;
  signIn.set(asking);
  if (key !== seen) keepArriving(key);
  const found = await lookUp(key);
  if (signIn.get() !== asking) return;
  if (found?.kind !== "unclear") keepArriving(null);
  if (found === null || (found.kind === "refused" && key === null)) {
    signIn.set({ phase: "out", refused: null });
    settle();
  } else if (found.kind === "refused" || (isRefused && isOf(found, key))) refuseKey(key ?? "");
  else if (found.kind === "unclear") signIn.set({ ...asking, phase: "unclear", problem: found.problem });
  // Another tab may have signed in meanwhile. This link and any later one have already led the page to their places.
  else if (!lookAtStored()) {
    const { session_id } = found.account;
    const entered = session_id === null ? (key ?? "") : markOf(session_id);
    // A link that brought a key led the page to its place, and the person decides about it only now.
    const isElsewhere = next === null && ((key === null && brought !== null) || isForeign(found.account));
    become(entered, found.account, isElsewhere ? nowhere : place.get());
  }
}

function isOf(found: Found, key: string | null): boolean {
  return found.kind === "known" && key !== null && found.account.session_id === sessionIdOf(key);
}

/** This tab belonged to another account. */
function isForeign({ user_id }: Account): boolean {
  return typistNow() !== "" && typistNow() !== user_id;
}

function become(key: string, account: Account, next: Place): void {
  const isAnother = signIn.get().phase === "in" || isForeign(account);
  storeKey(key, account);
  seen = recallKey();
  if (isAnother && seen === key) startOver(next);
  else {
    // A reload would lose a key that the browser does not store.
    forgetChoices();
    go(next, { replace: true });
    enter(key, account);
  }
}

function enter(key: string, account: Account): void {
  beginTyping(account.user_id);
  refusal.set(null);
  signIn.set({ phase: "in", key, account, since: {} });
  settle();
}

/** Restarts where another tab has signed in or out, and returns whether it does. */
function lookAtStored(isSignOut = false): boolean {
  const stored = recallKey();
  const now = signIn.get();
  const isOwn = stored === seen || (now.phase !== "out" && now.key === stored);
  seen = stored;
  if (isOwn) return false;
  const next = stored === null ? null : recallAccount(stored);
  const isSame = now.phase === "in" && next?.user_id === now.account.user_id;
  // Where the key was refused to another tab, the place is kept for whoever comes back.
  const own = isSame || (stored === null && !isSignOut) ? place.get() : nowhere;
  // Two links with one key were opened at once, and the other tab was faster.
  startOver(brought !== null && brought.key === stored ? brought.place : own);
  return true;
}

/** Whether the texts belong to this person. */
function forgetChoices(): void {
  chosenAgent.set(null);
  chosenProject.set(null);
}
