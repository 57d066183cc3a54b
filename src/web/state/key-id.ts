// Which of the listed keys a key is: a key contains its id. The server's first key, from its settings, is not listed
// and has none.

export function keyIdOf(key: string): string | null {
  const id = /^tl_([0-9a-z]{26})_[0-9a-z]+$/.exec(key)?.[1];
  return id === undefined ? null : `key_${id}`;
}
