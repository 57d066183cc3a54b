// Why the server's sign-in sent somebody back without a session, as the address says it: `?sign_in=<code>`.
import { Store } from "./store.ts";

export const refusal = new Store<string | null>(null);

/** Takes the code out of the address, so that a reload or a bookmark does not say it again. */
export function readRefusal(): void {
  const code = new URLSearchParams(location.search).get("sign_in");
  if (code === null) return;
  refusal.set(code);
  history.replaceState(null, "", `${location.pathname}${location.hash}`);
}
