// What an isolate remembers by key has a bound: beyond it, the entry that was put in the longest ago is forgotten.

/** Puts the entry last, new or known, so that what is in use stays. */
export function putNewest<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > max && oldest !== undefined) map.delete(oldest);
}
