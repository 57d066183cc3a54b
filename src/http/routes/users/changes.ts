// An admin changes, disables and deletes users. What ends a user's way in is one batch in D1, which all Workers and
// objects learn of as they do of a deleted key. What else has to end follows in a job.
import { budgetScopes } from "../../../budgets/scopes.ts";
import { describeError, logWarning } from "../../../lib/log.ts";
import { withinTime } from "../../../lib/time-limit.ts";
import { FIRST_USER_ID } from "../../../protocol/ids.ts";
import type { Job } from "../../../protocol/job.ts";
import type { PeriodCaps } from "../../../protocol/money/caps.ts";
import type { BudgetScope } from "../../../protocol/money/lease.ts";
import type { User } from "../../../protocol/people/user.ts";
import { markOfEmail } from "../../../sign-in/person.ts";
import { catchUpBudgets } from "../../../store/budgets/catch-up.ts";
import { deleteUser, readUser, type UserPatch, updateUser } from "../../../store/people/users.ts";
import { agentMemory } from "../../../thread/agent-memory.ts";
import { clock } from "../../../thread/ports.ts";
import { type AuditedAct, audited, auditedTogether } from "../../audit.ts";
import type { App, AppContext } from "../../context.ts";
import { Problem } from "../../errors.ts";
import { addOperation } from "../../operation.ts";
import { alreadyTaken, describeLimits, noSuchUser, tag } from "./accounts.ts";
import { requireLiveAdmin } from "./live-admin.ts";
import { user, userParams, userPatch } from "./schemas.ts";

/** A job that comes before the batch is done would find nothing to do. */
const JOB_DELAY_SECONDS = 60;
/** Whoever is shut out waits for no queue. */
const QUEUE_LIMIT_MS = 3_000;

export function addUserChanges(app: App): void {
  addOperation(
    app,
    {
      method: "patch",
      path: "/v1/users/{user_id}",
      tag,
      summary: "Change, disable or enable a user",
      description:
        "Absent fields stay unchanged. While a user is disabled, nothing of theirs works, and nothing is deleted. A user who loses the role `admin` loses the scope `admin` in all keys and sessions. `caps` and `quotas` are replaced as a whole. A shorter `retention_days` deletes older threads within hours.",
      scope: "admin",
      params: userParams,
      body: userPatch,
      records: ["user.update", "user.disable", "user.enable"],
      answers: { 200: { description: "The user.", schema: user } },
      problems: ["not_found", "already_exists", "invalid_operation"],
    },
    async (context, { params: { user_id }, body }) => {
      const patch = withoutUndefined(body);
      const isShutOut = patch.disabled === true || patch.role === null;
      const acts = actsOf(user_id, patch);
      const changed = await auditedTogether(context, acts, async () => {
        const before = await requireChangeable(context, user_id, isShutOut);
        const { caps: had = null } = before;
        const { caps = had } = patch;
        await catchUpBudgets(context.env.DB, user_id, findNewScopes(context, user_id, had, caps));
        const work = () => updateUser(context.env.DB, user_id, patch, actOf(context), Date.now());
        const job = { type: "pause_account", user_id, attempt: 1 } satisfies Job;
        const done = await (patch.disabled === true ? withJob(context, job, work) : work());
        if (done === "email") throw alreadyTaken("email", user_id);
        return done ?? refuse(context, user_id);
      });
      context.get("authenticator").forgetUser(user_id);
      agentMemory.forgetUser(user_id);
      return context.json(changed);
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/users/{user_id}",
      tag,
      summary: "Delete a user with everything that it has",
      description:
        "Keys and sessions end at once. The state is `deleting` until nothing is left. The id is never used again.",
      scope: "admin",
      params: userParams,
      records: ["user.delete"],
      answers: { 202: { description: "The user. The rest is deleted in the background.", schema: user } },
      problems: ["not_found", "invalid_operation"],
    },
    async (context, { params: { user_id } }) => {
      const act = { action: "user.delete", user_id, target: user_id } as const;
      const deleted = await audited(context, act, async () => {
        const { email } = await requireChangeable(context, user_id, true);
        const mark = email === null ? null : await markOfEmail(email);
        const job = { type: "close_account", user_id, attempt: 1 } satisfies Job;
        const work = () => deleteUser(context.env.DB, user_id, actOf(context), Date.now(), mark);
        return (await withJob(context, job, work)) ?? refuse(context, user_id);
      });
      context.get("authenticator").forgetUser(user_id);
      return context.json(deleted, 202);
    },
  );
}

/** The day and the month, if they had no cap and have one now. */
function findNewScopes(
  context: AppContext,
  user_id: string,
  before: PeriodCaps | null,
  after: PeriodCaps | null,
): BudgetScope[] {
  const now = Date.now();
  const read = (caps: PeriodCaps | null) => {
    const scopes = budgetScopes(context.get("config"), { user: caps, project: null }, user_id, "", now);
    return scopes.filter(({ scope }) => scope === "user");
  };
  const had = new Set(read(before).map(({ period }) => period));
  return read(after).filter(({ period }) => !had.has(period));
}

function actOf(context: AppContext) {
  return { by: context.get("caller"), may_act: !context.get("config").admin_key_only_admin };
}

/**
 * Throws for what never succeeds, before a job is sent for it. Also asks D1 once more whether the admin's own key holds,
 * as the write itself does: who was disabled a moment ago must not disable whoever did it.
 */
async function requireChangeable(context: AppContext, user_id: string, isShutOut: boolean): Promise<User> {
  const { DB } = context.env;
  await requireLiveAdmin(context);
  const found = await readUser(DB, user_id);
  if (found === null) throw noSuchUser(user_id);
  if (isShutOut && isOwnUser(context, user_id)) {
    const reason = "You can't disable, delete or demote the user of the key that you use.";
    throw new Problem("invalid_operation", reason);
  }
  return found;
}

/** `ADMIN_API_KEY` is the first user's only as long as it acts for it. */
function isOwnUser(context: AppContext, user_id: string): boolean {
  const caller = context.get("caller");
  return caller.user_id === user_id && caller.admin_standing === undefined;
}

/** Why nothing was changed of a user who was there a moment ago. */
async function refuse(context: AppContext, user_id: string): Promise<never> {
  await requireLiveAdmin(context);
  const found = await readUser(context.env.DB, user_id);
  if (found === null) throw noSuchUser(user_id);
  if (found.deleted_at !== null) throw new Problem("invalid_operation", "The user is deleted.");
  const reason = "ADMIN_API_KEY acts for user_first. Make a key for that user first, or set ADMIN_KEY_ONLY_ADMIN=1.";
  throw new Problem("invalid_operation", user_id === FIRST_USER_ID ? reason : "The user has changed. Try again.");
}

/**
 * The job is sent first: if this request dies on its way, it comes all the same. Then again, so that it comes soon. Nobody
 * stays in because the queue is away: the clock finds what is left.
 */
async function withJob<T>({ env }: AppContext, job: Job, work: () => Promise<T | null>): Promise<T | null> {
  const send = (options?: QueueSendOptions) =>
    withinTime(clock, QUEUE_LIMIT_MS, "The queue", env.JOBS.send(job, options)).catch((error: unknown) =>
      logWarning("job_comes_later", { type: job.type, error: describeError(error) }),
    );
  await send({ delaySeconds: JOB_DELAY_SECONDS });
  const done = await work();
  if (done !== null) await send();
  return done;
}

/** A role that is given together with something else is found as one that is given alone. */
function actsOf(user_id: string, { disabled, ...others }: UserPatch): AuditedAct[] {
  const about = { user_id, target: user_id };
  return [
    ...(disabled === undefined ? [] : [{ ...about, action: disabled ? "user.disable" : "user.enable" } as const]),
    ...(Object.keys(others).length === 0
      ? []
      : [{ ...about, action: "user.update", details: describePatch(others) } as const]),
  ];
}

/** Which fields were changed; of names and addresses no more than that. */
function describePatch({ name, email, role, ...limits }: UserPatch): Record<string, string | number | boolean | null> {
  return {
    ...(name === undefined ? {} : { name: true }),
    ...(email === undefined ? {} : { email: true }),
    ...(role === undefined ? {} : { role }),
    ...describeLimits(limits),
  };
}

/** zod's optional fields may be undefined; those of a patch are there or not. */
function withoutUndefined(body: { [Name in keyof UserPatch]?: UserPatch[Name] | undefined }): UserPatch {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
