// Who is signed in. A tab is one account's from its start to its end: what changes that, in this tab or in another, starts the tab
// over, so that no draft, list or request of one account meets the other's.
//
// Anybody can make a link that brings a key. It is taken by itself only where nobody is signed in; otherwise a person is asked, and
// until they answer it lies in this tab's memory and is used for nothing but to find out whose it is.
import { type Account, findAccount } from "./account.ts";
import { chosenAgent } from "./chosen-agent.ts";
import { chosenProject } from "./chosen-project.ts";
import { beginTyping, forgetTyped, typistNow } from "./drafts.ts";
import { go, nowhere, type Place, place, startOver } from "./place.ts";
import type { Problem } from "./problem.ts";
import { Store } from "./store.ts";
import { keepArriving, keyName, recallAccount, recallArriving, recallKey, storeKey, unstoreKey } from "./stored-key.ts";

export type SignIn =
  | { phase: "out"; isRefused: boolean }
  /** Whose key it is, is being found out. `place`: where its link leads, null where there was no link. */
  | { phase: "asking"; key: string; place: Place | null }
  /** It could not be told. */
  | { phase: "unclear"; key: string; place: Place | null; problem: Problem }
  | { phase: "in"; key: string; account: Account };

export const signIn = new Store<SignIn>({ phase: "out", isRefused: false });

/** What a link wants: `account` is null where the server can't tell whose its key is. */
export interface Offer {
  key: string;
  place: Place;
  account: Account | null;
}

/** "unknown": the link's key is none of this server's. */
export const offer = new Store<Offer | "unknown" | null>(null);

/** The link's key, from when it is read until it is answered. */
let brought: Pick<Offer, "key" | "place"> | null = null;

/** What this tab saw in the browser's storage last; always null where that keeps nothing. */
let seen: string | null = null;

export function openSignIn(): void {
  seen = recallKey();
  const arriving = recallArriving();
  // It is asked for once more at the most; and another tab may have signed in while this one was waiting.
  keepArriving(null);
  const account = seen === null ? null : recallAccount(seen);
  if (seen !== null && account !== null) enter(seen, account, { isHeir: true });
  else {
    const key = seen ?? arriving;
    if (key !== null) void ask(key, null);
  }
  window.addEventListener("storage", ({ key, newValue }) => {
    const isSignOut = key === keyName && newValue === "";
    if (isSignOut) {
      forgetTyped();
      keepArriving(null);
    }
    lookAtStored(isSignOut);
  });
  // A tab that slept was told nothing.
  window.addEventListener("pageshow", () => lookAtStored());
  document.addEventListener("visibilitychange", () => lookAtStored());
}

/** By the form. */
export function enterKey(key: string): void {
  void ask(key, null);
}

/** Once more, where the server could not tell whose the key is. */
export function askAgain(): void {
  const now = signIn.get();
  if (now.phase === "unclear") void ask(now.key, now.place);
}

/** By a link. */
export function bringKey(key: string, next: Place): void {
  brought = { key, place: next };
  offer.set(null);
  settle();
}

export function stay(): void {
  brought = null;
  offer.set(null);
}

/** False, and nothing has changed, where the server still can't tell whose the key is. */
export async function switchAccount(): Promise<boolean> {
  const offered = offer.get();
  if (offered === null || offered === "unknown") return true;
  const found = offered.account === null ? await findAccount(offered.key) : null;
  if (offer.get() !== offered) return true;
  if (found?.kind === "unclear") return false;
  const account = found?.kind === "known" ? found.account : offered.account;
  if (account === null) refuseOffer();
  else become(offered.key, account, offered.place);
  return true;
}

/** The server knows the key no more. What was typed stays for when the same account comes back. */
export function refuseKey(key: string): void {
  const now = signIn.get();
  if (now.phase === "out" || now.key !== key) return;
  if (recallKey() === key) unstoreKey({ isSignOut: false });
  if (seen === key) seen = null;
  forgetChoices();
  signIn.set({ phase: "out", isRefused: true });
  settle();
}

export function signOut(): void {
  stay();
  forgetTyped();
  unstoreKey({ isSignOut: true });
  seen = recallKey();
  startOver(nowhere);
}

/** What a link brought is looked at once it is known who is signed in. */
function settle(): void {
  const now = signIn.get();
  if (brought === null) return;
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

async function examine(now: SignIn & { phase: "in" }, link: Pick<Offer, "key" | "place">): Promise<void> {
  // A stored key that the server refuses is as good as none: it may have been another installation's.
  const [own, found] = await Promise.all([findAccount(now.key), findAccount(link.key)]);
  if (brought !== link || signIn.get() !== now) return;
  if (own.kind === "refused") refuseKey(now.key);
  else if (found.kind === "refused") refuseOffer();
  else offer.set({ ...link, account: found.kind === "known" ? found.account : null });
}

function refuseOffer(): void {
  brought = null;
  offer.set("unknown");
}

async function ask(key: string, next: Place | null): Promise<void> {
  const asking = { phase: "asking", key, place: next } as const;
  signIn.set(asking);
  if (key !== seen) keepArriving(key);
  const found = await findAccount(key);
  if (signIn.get() !== asking) return;
  if (found.kind !== "unclear") keepArriving(null);
  if (found.kind === "refused") refuseKey(key);
  else if (found.kind === "unclear") signIn.set({ ...asking, phase: "unclear", problem: found.problem });
  // Another tab may have signed in meanwhile. A link has led the page to its place already, and so has each that came since.
  else if (!lookAtStored())
    become(key, found.account, next === null && isForeign(found.account) ? nowhere : place.get());
}

/** This tab has been another account's. */
function isForeign({ user_id }: Account): boolean {
  return typistNow() !== "" && typistNow() !== user_id;
}

function become(key: string, account: Account, next: Place): void {
  const isHeir = key === seen;
  const isAnother = signIn.get().phase === "in" || isForeign(account);
  storeKey(key, account);
  seen = recallKey();
  if (isAnother && seen === key) startOver(next);
  else {
    // A reload would lose a key that the browser does not keep.
    forgetChoices();
    go(next, { replace: true });
    enter(key, account, { isHeir });
  }
}

function enter(key: string, account: Account, { isHeir }: { isHeir: boolean }): void {
  beginTyping(account.user_id, { isHeir });
  signIn.set({ phase: "in", key, account });
  settle();
}

/** Starts over where another tab has signed in or out, and answers whether it does. */
function lookAtStored(isSignOut = false): boolean {
  const stored = recallKey();
  const now = signIn.get();
  const isOwn = stored === seen || (now.phase !== "out" && now.key === stored);
  seen = stored;
  if (isOwn) return false;
  const next = stored === null ? null : recallAccount(stored);
  const isSame = now.phase === "in" && next?.user_id === now.account.user_id;
  // Where the key was refused to another tab, whoever comes back finds their place again.
  startOver(isSame || (stored === null && !isSignOut) ? place.get() : nowhere);
  return true;
}

/** They are this person's. */
function forgetChoices(): void {
  chosenAgent.set(null);
  chosenProject.set(null);
}
