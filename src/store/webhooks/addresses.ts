// A user has one webhook for an address, however it is spelled: otherwise its receiver would get each event many times.
// SQL can't compare spellings, so the addresses are compared here, and a statement stores one only if each other address
// of the user is among those that were compared.
import { type SQL, sql } from "drizzle-orm";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import type { Webhook } from "../../protocol/webhook.ts";

type Place = Pick<Webhook, "user_id" | "webhook_id" | "url">;

/** Each round that stores nothing has met another request that did; a user has twenty webhooks. */
const MAX_ROUNDS = 40;

/**
 * `store` gets the user's other webhooks and, as JSON, the addresses that were compared. It returns null if its
 * statement stored nothing, and is asked again if that was because of an address beyond those. Null if it was not.
 */
export async function withNewAddress<T>(
  db: D1Database,
  { user_id, webhook_id, url }: Place,
  store: (others: Place[], compared: string) => Promise<T | null>,
): Promise<Result<T | null>> {
  let before: string | null = null;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { results } = await db
      .prepare(
        "SELECT user_id, webhook_id, url FROM webhooks WHERE user_id = ?1 AND webhook_id <> ?2 ORDER BY webhook_id",
      )
      .bind(user_id, webhook_id)
      .all<Place>();
    const same = results.find((other) => isSameAddress(other.url, url));
    if (same) return fail("already_exists", `url: your webhook ${same.webhook_id} has this address`);
    const compared = JSON.stringify(results.map((other) => other.url));
    if (compared === before) return succeed(null);
    const stored = await store(results, compared);
    if (stored !== null) return succeed(stored);
    before = compared;
  }
  return tooManyChanges();
}

export function tooManyChanges() {
  return fail("version_conflict", "Other requests are changing your webhooks. Try again.");
}

/** The condition of the statement, with the names of its parameters. */
export const ALL_COMPARED = `NOT EXISTS (
  SELECT 1 FROM webhooks AS other WHERE other.user_id = ?1 AND other.webhook_id <> ?2
    AND other.url NOT IN (SELECT value FROM json_each(?7)))`;

export function areAllCompared({ user_id, webhook_id }: Place, compared: string): SQL {
  return sql`NOT EXISTS (
  SELECT 1 FROM webhooks AS other WHERE other.user_id = ${user_id} AND other.webhook_id <> ${webhook_id}
    AND other.url NOT IN (SELECT value FROM json_each(${compared})))`;
}

/**
 * The address as it is requested: no fragment is sent, the URL parser knows default ports and upper case, and servers
 * read an escaped letter as the letter (RFC 3986, 6.2.2).
 */
export function isSameAddress(one: string, other: string): boolean {
  return normalize(one) === normalize(other);
}

function normalize(address: string): string {
  const url = URL.parse(address);
  if (url === null) return address;
  url.hash = "";
  // Takes a lone `?` away, too.
  if (url.search === "") url.search = "";
  // `host.` names the same host as `host`.
  url.hostname = url.hostname.replace(/(?<!\.)\.+$/, "");
  return url.href.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const letter = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[\w.~-]/.test(letter) ? letter : escaped.toUpperCase();
  });
}
