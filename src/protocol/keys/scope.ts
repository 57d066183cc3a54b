// What an API key may do.

/** In the order in which they are shown. */
export const scopes = ["read", "run", "write", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** Each of these includes those before it. `admin` stands beside them. */
const ladder: Scope[] = ["read", "run", "write"];

/** What a key without scopes may do: all that its user may. What only an operator may is never part of it. */
export const userScopes: readonly Scope[] = ladder;

/** All that the given scopes permit, in order. */
export function expandScopes(given: readonly Scope[]): Scope[] {
  const highest = Math.max(...given.map((scope) => ladder.indexOf(scope)));
  return scopes.filter(
    (scope) => given.includes(scope) || (ladder.includes(scope) && ladder.indexOf(scope) <= highest),
  );
}

/** The stored scopes of a key; null if it has none. A scope of a later version permits nothing here. */
export function readScopes(stored: unknown): Scope[] | null {
  if (stored === null || stored === undefined) return null;
  return Array.isArray(stored) ? expandScopes(scopes.filter((scope) => stored.includes(scope))) : [];
}
