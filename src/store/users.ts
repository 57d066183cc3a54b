// Users. Only the holder of the admin key creates them; the first user needs no row.
import { eq } from "drizzle-orm";
import { FIRST_USER_ID } from "../protocol/ids.ts";
import type { StoredApiKey } from "./api-keys.ts";
import { isConflict, open } from "./database.ts";
import { apiKeys, users } from "./schema.ts";

export interface User {
  user_id: string;
  name: string | null;
  created_at: string;
}

/** Stores a user with a first key, both or none; false if the id is taken. */
export async function createUser(db: D1Database, user: User, key: StoredApiKey): Promise<boolean> {
  if (user.user_id === FIRST_USER_ID) return false;
  const database = open(db);
  try {
    await database.batch([
      database.insert(users).values(user),
      database.insert(apiKeys).values({ ...key, user_id: user.user_id }),
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
