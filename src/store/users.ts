// Users. Only the holder of the admin key creates them; the first user needs no row.
import { eq, sql } from "drizzle-orm";
import { FIRST_USER_ID } from "../protocol/ids.ts";
import type { StoredApiKey } from "./api-keys.ts";
import { isConflict, open } from "./database.ts";
import { ownerOfLive } from "./keys/maker.ts";
import { apiKeys, users } from "./people/schema.ts";

export interface User {
  user_id: string;
  name: string | null;
  created_at: string;
}

/**
 * Stores a user with a first key, both or none; false if the id is taken. Rejects if the key's maker, a key of
 * `maker_id`, no longer holds (`whileMakerLives`). Ids of two users differ in more than case:
 * people who read `U-Alice` in a list or a log mean `u-alice`. Pairs that an earlier version made stay.
 */
export async function createUser(db: D1Database, user: User, key: StoredApiKey, maker_id: string): Promise<boolean> {
  if (user.user_id.toLowerCase() === FIRST_USER_ID) return false;
  const database = open(db);
  // The id of another user in any case of its letters, if there is one, is a conflict that ends the whole batch. Reads
  // every user, for a request that only the admin makes.
  const taken = database.select({ user_id: users.user_id }).from(users);
  const same = taken.where(sql`lower(${users.user_id}) = lower(${user.user_id})`).limit(1);
  const isMade = sql`${ownerOfLive(maker_id, key.made_by)} IS NOT NULL`;
  try {
    await database.batch([
      database.insert(users).values({ ...user, user_id: sql`coalesce(${same}, ${user.user_id})` }),
      database.insert(apiKeys).values({ ...key, user_id: sql`iif(${isMade}, ${user.user_id}, NULL)` }),
    ]);
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}

/** The first user has no row, so this answers for them even while D1 is unavailable. */
export async function readUserName(db: D1Database, user_id: string): Promise<string | null> {
  if (user_id === FIRST_USER_ID) return null;
  const row = await open(db).select({ name: users.name }).from(users).where(eq(users.user_id, user_id)).get();
  return row?.name ?? null;
}
