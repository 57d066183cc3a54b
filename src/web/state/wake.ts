// When a page that asked for nothing for a while should look again: somebody comes back to it, the network does, or another tab
// of this browser did something. Between these it costs its server nothing.
const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("taskloom");

/** A look on every key press would be a poll. */
const restMs = 20_000;

/** To the other tabs: something happens on this thread, or in the lists where it is null. */
export function tellTabs(thread: string | null): void {
  tabs?.postMessage(thread);
}

/** `wake` is told the thread that another tab spoke of, or null where anything may have changed. Answers how to stop. */
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
