// Which of the listed keys a key is: a key contains its id. The server's first key, from its settings, is not listed
// and has none.
// A session has no key that the page could hold. In place of one stands a mark with the session's id: it contains a
// space, which no key does, so that nobody can type or link to it.

const sessionStart = "session ";

export function keyIdOf(key: string): string | null {
  if (isSession(key)) return sessionIdOf(key);
  const id = /^tl_([0-9a-z]{26})_[0-9a-z]+$/.exec(key)?.[1];
  return id === undefined ? null : `key_${id}`;
}

export function markOf(session_id: string): string {
  return `${sessionStart}${session_id}`;
}

export function isSession(key: string): boolean {
  return key.startsWith(sessionStart);
}

/** The session that a mark stands for; null for a key. */
export function sessionIdOf(key: string): string | null {
  return isSession(key) ? key.slice(sessionStart.length) : null;
}
