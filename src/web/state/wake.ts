// When an idle page should read again: somebody comes back to it, the network does, or another tab of this browser did
// something. Between these it costs its server nothing.
const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("taskloom");

/** Reading on every key press would be polling. */
const restMs = 20_000;

/** Notifies the other tabs: something happened on this thread, or in the lists where it is null. */
export function notifyTabs(thread: string | null): void {
  tabs?.postMessage(thread);
}

/**
 * Calls `wake` with the thread that another tab named, or with null where anything may have changed. Returns its
 * cleanup.
 */
export function onWake(wake: (thread: string | null) => void): () => void {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  let last = Date.now();
  const look = (): void => {
    last = Date.now();
    wake(null);
  };
  const lookIfRested = (): void => {
    if (Date.now() - last > restMs) look();
  };
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look(), options);
  window.addEventListener("online", look, options);
  window.addEventListener("pageshow", look, options);
  for (const name of ["focus", "pointerdown", "keydown"]) window.addEventListener(name, lookIfRested, options);
  tabs?.addEventListener("message", ({ data }) => wake(typeof data === "string" ? data : null), options);
  return () => stop.abort();
}
