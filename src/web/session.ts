// Who is signed in and which thread is open. The key comes in the address once and is kept by the browser; the thread stays in
// the address, so that a reload or a link finds it again.
const storedKey = "taskloom key";

interface Place {
  key: string | null;
  thread: string | null;
}

/** Takes the key out of the address, so that it is in no history, screenshot or link. */
export function readPlace(): Place {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const key = fragment.get("key");
  const thread = fragment.get("thread");
  if (key !== null) {
    localStorage.setItem(storedKey, key);
    const rest = thread === null ? "" : `#thread=${encodeURIComponent(thread)}`;
    history.replaceState(null, "", `${location.pathname}${rest}`);
  }
  return { key: localStorage.getItem(storedKey), thread };
}

export function keepKey(key: string): void {
  localStorage.setItem(storedKey, key);
}

export function forgetKey(): void {
  localStorage.removeItem(storedKey);
}

export function showThread(thread: string | null): void {
  const fragment = thread === null ? "" : `#thread=${encodeURIComponent(thread)}`;
  history.replaceState(null, "", `${location.pathname}${fragment}`);
}
