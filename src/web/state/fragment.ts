// Reads the fragment of the page's address. This is the only reader, so a link is judged by exactly what the page would
// take from it.

export interface Fragment {
  /** An API key to sign in with; null where there is none. */
  key: string | null;
  /** Null is a thread that has not begun. */
  thread: string | null;
  /** What is open over the thread. */
  settings: string | null;
}

/** A key and a place are some hundred characters; a longer fragment is not read. */
const maxFragment = 16_384;

export function readFragment(hash: string): Fragment {
  // No server has an empty key, so this one is refused like any other wrong key.
  if (hash.length > maxFragment) return { key: "", thread: null, settings: null };
  const given = new URLSearchParams(hash.slice(1));
  return { key: given.get("key"), thread: given.get("thread") || null, settings: given.get("settings") };
}

type Host = Pick<URL, "hostname" | "port">;

/** Whether an address leads to this page and brings it a key. Another site's fragment is that site's own. */
export function bringsKey(url: URL, own: Host | undefined = globalThis.location): boolean {
  return own !== undefined && nameServer(url) === nameServer(own) && readFragment(url.hash).key !== null;
}

/** A preview is under `localhost` and is not the page. */
const preview = /^\d+-[a-z2-7]{26}\.localhost$/;
const loopback = /(?:^|\.)localhost$|^127\.\d+\.\d+\.\d+$|^0\.0\.0\.0$|^\[::1?\]$|^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]+\]$/;

/** One name for all names of a server. Without the scheme: a redirect from one to the other keeps the fragment. */
function nameServer({ hostname, port }: Host): string {
  const host = hostname.replace(/(?<!\.)\.+$/, "");
  return `${loopback.test(host) && !preview.test(host) ? "localhost" : host}:${port}`;
}
