// Finds and makes the users who sign in. The identity decides; its unique index makes one user of two first sign-ins that
// happen at once.
import { and, eq, isNotNull, isNull, ne, or, sql } from "drizzle-orm";
import type { UserRole } from "../../protocol/people/user.ts";
import { isConflict, open } from "../database.ts";
import { users } from "./schema.ts";

export interface SignedInUser {
  user_id: string;
  role: UserRole | null;
  disabled_at: string | null;
  deleted_at: string | null;
}

const { user_id, role, disabled_at, deleted_at } = users;
const shown = { user_id, role, disabled_at, deleted_at };

/** Null if nobody has signed in with this identity. Deleted users are found, so that their persons stay out. */
export async function findByIdentity(db: D1Database, identity: string): Promise<SignedInUser | null> {
  return (await open(db).select(shown).from(users).where(eq(users.identity, identity)).get()) ?? null;
}

/**
 * The users whom an admin gave this email and who never signed in, two at most. `email` is in lower case. Reads every
 * user, for a sign-in that happens once for each person.
 */
export async function findUnclaimed(db: D1Database, email: string): Promise<SignedInUser[]> {
  return await open(db)
    .select(shown)
    .from(users)
    .where(and(sql`lower(${users.email}) = ${email}`, isNull(users.identity), isNull(deleted_at)))
    .limit(2);
}

/**
 * A user for whose sake nobody with this email becomes a new one: who is disabled, or was deleted before a first sign-in
 * (`mark`). Whoever has a new account at the issuer would come back with it.
 */
export async function findShutOut(db: D1Database, email: string, mark: string): Promise<SignedInUser | null> {
  const isDisabled = and(sql`lower(${users.email}) = ${email}`, isNotNull(disabled_at));
  const found = open(db)
    .select(shown)
    .from(users)
    .where(or(eq(users.identity, mark), isDisabled));
  return (await found.limit(1).get()) ?? null;
}

/** False if somebody else was faster, or the user is none any more. */
export async function claimUser(db: D1Database, id: string, identity: string): Promise<boolean> {
  return await unlessTaken(async () => {
    const claimed = await open(db)
      .update(users)
      .set({ identity })
      .where(and(eq(user_id, id), isNull(users.identity), isNull(disabled_at), isNull(deleted_at)))
      .returning({ user_id });
    return claimed.length > 0;
  });
}

export interface NewUser {
  user_id: string;
  name: string | null;
  email: string | null;
  identity: string;
  created_at: string;
}

/** False if the identity has a user. */
export async function createFromSignIn(db: D1Database, user: NewUser): Promise<boolean> {
  return await unlessTaken(async () => {
    await open(db).insert(users).values(user);
    return true;
  });
}

/** Stores the email of the last sign-in where it is another one. */
export async function noteEmail(db: D1Database, id: string, email: string): Promise<void> {
  await open(db)
    .update(users)
    .set({ email })
    .where(and(eq(user_id, id), isNull(deleted_at), or(isNull(users.email), ne(users.email, email))));
}

async function unlessTaken(work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}
