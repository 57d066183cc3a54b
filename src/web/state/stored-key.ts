// The stored key, shared by all tabs, and its account. A tab uses the key in its memory; the stored one changes when
// another tab signs in or out. A session is stored as its mark (key-id.ts); its secret is in a cookie.
import { type Account, readAccount } from "./account.ts";
import { keep, recall } from "./browser-storage.ts";
import { keyIdOf } from "./key-id.ts";

export const keyName = "taskloom key";
const accountName = "taskloom account";
const arrivingName = "taskloom arriving key";

export function recallKey(): string | null {
  return recall("localStorage", keyName) || null;
}

/** Null where it is not known, as between the two writes of another tab. */
export function recallAccount(key: string): Account | null {
  try {
    const stored = JSON.parse(recall("localStorage", accountName) ?? "null") as { key_id?: unknown } | null;
    return stored?.key_id === keyIdOf(key) ? readAccount(stored) : null;
  } catch {
    return null;
  }
}

/**
 * A key in this tab only, while its account is unknown and another's key may be stored: kept for a reload of this page,
 * because no address has it any more. Leaving the page and coming back drops it.
 */
export function recallArriving(): string | null {
  const [way] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return way?.type === "reload" ? recall("sessionStorage", arrivingName) : null;
}

export function keepArriving(key: string | null): void {
  keep("sessionStorage", arrivingName, key);
}

/** The key last, because other tabs watch it. */
export function storeKey(key: string, account: Account): void {
  keep("localStorage", accountName, JSON.stringify({ key_id: keyIdOf(key), ...account }));
  keep("localStorage", keyName, key);
}

/** On sign-out other tabs see an empty key, and forget typed text too. */
export function unstoreKey({ isSignOut }: { isSignOut: boolean }): void {
  keep("localStorage", accountName, null);
  if (isSignOut) keep("localStorage", keyName, "");
  keep("localStorage", keyName, null);
}
