// Which user a person is: the one who signed in with that identity before, else the one whom an admin gave the person's
// email, else a new one if the email's domain is allowed.
import type { SignInSettings } from "../../config/sign-in.ts";
import { type AuditedAct, audited } from "../../http/audit.ts";
import type { AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { logError } from "../../lib/log.ts";
import { newId } from "../../protocol/ids.ts";
import {
  claimUser,
  createFromSignIn,
  findByIdentity,
  findShutOut,
  findUnclaimed,
  noteEmail,
  type SignedInUser,
} from "../../store/people/sign-in.ts";
import { failed, found, type Reading, type SignInFailure } from "../outcome.ts";
import { makesUser, markOfEmail, type Person } from "../person.ts";

/** Once more after somebody was faster: then the identity has its user. */
const TRIES = 3;

export async function findOrMakeUser(
  context: AppContext,
  settings: SignInSettings,
  person: Person,
): Promise<Reading<SignedInUser>> {
  for (let tried = 0; tried < TRIES; tried++) {
    const known = await findByIdentity(context.env.DB, person.identity);
    if (known !== null) return await admit(context, known, person);
    const made = await becomeUser(context, settings, person);
    if (made !== null) return made;
  }
  throw new Error("the identity's user changes too quickly");
}

async function admit(context: AppContext, user: SignedInUser, person: Person): Promise<Reading<SignedInUser>> {
  const refusal = whyRefused(user);
  if (refusal !== null) return await refuse(context, refusal, person, user.user_id);
  const { email } = person;
  // The sign-in does not depend on it.
  if (email !== null) {
    await noteEmail(context.env.DB, user.user_id, email).catch((error: unknown) =>
      logError("email_not_noted", error, { user_id: user.user_id }),
    );
  }
  return found(user);
}

/** Null if somebody was faster. */
async function becomeUser(
  context: AppContext,
  settings: SignInSettings,
  person: Person,
): Promise<Reading<SignedInUser> | null> {
  const { email } = person;
  if (email === null) return await refuse(context, failed("no_email", "the issuer vouches for no email"), person);
  const [unclaimed, other] = await findUnclaimed(context.env.DB, email);
  if (other !== undefined) return await refuse(context, failed("not_allowed", "two users have the email"), person);
  if (unclaimed !== undefined) {
    const refusal = whyRefused(unclaimed);
    return refusal === null
      ? await claim(context, unclaimed, person)
      : await refuse(context, refusal, person, unclaimed.user_id);
  }
  const shutOut = await findShutOut(context.env.DB, email, await markOfEmail(email));
  const why = shutOut && whyRefused(shutOut);
  if (why !== null) return await refuse(context, why, person, shutOut?.user_id);
  if (makesUser(settings, email)) return await makeUser(context, person);
  return await refuse(context, failed("not_allowed", "the email's domain makes no user"), person);
}

async function claim(context: AppContext, user: SignedInUser, { identity, email }: Person) {
  const { user_id } = user;
  const act = { action: "user.update", user_id, target: user_id, details: { first_sign_in: true, email } } as const;
  const isDone = await once(context, act, () => claimUser(context.env.DB, user_id, identity));
  return isDone ? found(user) : null;
}

async function makeUser(context: AppContext, { identity, email, name }: Person) {
  const now = Date.now();
  const user_id = newId("user", now);
  const act = { action: "user.create", user_id, target: user_id, details: { first_sign_in: true, email } } as const;
  const row = { ...{ user_id, name, email, identity }, created_at: new Date(now).toISOString() };
  const isDone = await once(context, act, () => createFromSignIn(context.env.DB, row));
  return isDone ? found({ user_id, role: null, disabled_at: null, deleted_at: null }) : null;
}

/** Records the act, also as one that another was faster with. */
async function once(context: AppContext, act: AuditedAct, work: () => Promise<boolean>): Promise<boolean> {
  try {
    await audited(context, act, async () => {
      if (!(await work()))
        throw new Problem("already_exists", "This person already belongs to a user, or this user to another person.");
    });
    return true;
  } catch (error) {
    if (error instanceof Problem && error.failure.code === "already_exists") return false;
    throw error;
  }
}

function whyRefused({ deleted_at, disabled_at }: SignedInUser): { ok: false; failure: SignInFailure } | null {
  if (deleted_at !== null) return failed("not_allowed", "the user is deleted");
  return disabled_at === null ? null : failed("disabled", "the user is disabled");
}

/** Of somebody whom the issuer knows: whoever it does not know leaves no entry, so nobody can fill the audit. */
async function refuse(
  context: AppContext,
  refusal: { ok: false; failure: SignInFailure },
  { email }: Person,
  user_id: string | null = null,
): Promise<{ ok: false; failure: SignInFailure }> {
  const details = { ...refusal.failure, email };
  await audited(context, { action: "sign_in.refuse", user_id, target: user_id, details }, async () => {});
  return refusal;
}
