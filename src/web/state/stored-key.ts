// The key that this browser keeps, for all tabs, and whose it is. A tab goes by what it has in memory; what is stored changes under
// it when another tab signs in or out.
import { type Account, readAccount } from "./account.ts";
import { keep, recall } from "./kept.ts";
import { keyIdOf } from "./key-id.ts";

export const keyName = "taskloom key";
const accountName = "taskloom account";
const arrivingName = "taskloom arriving key";

export function recallKey(): string | null {
  return recall("localStorage", keyName) || null;
}

/** Null where it is not known: a former version of the page stored the key alone, or another key since. */
export function recallAccount(key: string): Account | null {
  try {
    const stored = JSON.parse(recall("localStorage", accountName) ?? "null") as { key_id?: unknown } | null;
    return stored?.key_id === keyIdOf(key) ? readAccount(stored) : null;
  } catch {
    return null;
  }
}

/**
 * A key that nobody else's stands against, until it is known whose it is: for a reload of this page, since no address has it any
 * more. Who went elsewhere and comes back has left it behind.
 */
export function recallArriving(): string | null {
  const [way] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return way?.type === "reload" ? recall("sessionStorage", arrivingName) : null;
}

export function keepArriving(key: string | null): void {
  keep("sessionStorage", arrivingName, key);
}

/** The key last: it is what other tabs watch. */
export function storeKey(key: string, account: Account): void {
  keep("localStorage", accountName, JSON.stringify({ key_id: keyIdOf(key), ...account }));
  keep("localStorage", keyName, key);
}

/** Other tabs are told an empty key where a person signed out: then they forget what was typed too. */
export function unstoreKey({ isSignOut }: { isSignOut: boolean }): void {
  keep("localStorage", accountName, null);
  if (isSignOut) keep("localStorage", keyName, "");
  keep("localStorage", keyName, null);
}
