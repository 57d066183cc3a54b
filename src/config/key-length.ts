// How long the keys that an operator chooses should be. Shorter ones keep working, with a warning.

/** 128 bits as hex. What this project's documents and programs make is longer. */
export const MIN_KEY_CHARACTERS = 32;

export function isShortKey(key: string | null): boolean {
  return key !== null && key.length < MIN_KEY_CHARACTERS;
}

/** Sentences about keys that can be guessed; they quote nothing of a key. */
export function describeShortKeys(keys: { ADMIN_API_KEY: string | null; ENCRYPTION_KEY: string | null }): string[] {
  return Object.entries(keys)
    .filter(([, key]) => isShortKey(key))
    .map(([name]) => `${name} has fewer than ${MIN_KEY_CHARACTERS} characters and may be guessed. Make a longer one.`);
}
