// The public entry point of webhook triggers. Anyone can call it, so a request with a wrong signature costs little: one
// read of D1 and one hash. Strangers and the real sender have separate rate limits, so no stranger can fill the owner's
// log or lock the sender out. The answer to a stranger gives no hint; the trigger's log says why a delivery was
// refused.
import { z } from "@hono/zod-openapi";
import { readBytes } from "../../http/body.ts";
import type { App, AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { findChain, hopsHeader } from "../../http/hops.ts";
import { addOperation } from "../../http/operation.ts";
import { takeOne } from "../../http/quotas/quotas.ts";
import { admitRun } from "../../http/quotas/runs.ts";
import { logError } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { HOPS_HEADER, MAX_HOPS } from "../../protocol/chain.ts";
import type { Failure, ProblemCode } from "../../protocol/error.ts";
import { clientId } from "../../protocol/ids.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import { openLiveSecrets } from "../../secrets/rotated.ts";
import { findAcceptedDelivery } from "../../store/triggers/log.ts";
import { type FoundTrigger, findTrigger } from "../../store/triggers/triggers.ts";
import { clock } from "../../thread/ports.ts";
import { readPayload } from "../payload.ts";
import { isPing } from "../ping.ts";
import { type VerifiedDelivery, verifyDelivery } from "../verify.ts";
import { describeFiring, writeLog } from "./firing.ts";
import { hookAnswer } from "./schemas.ts";
import { fireTrigger } from "./start-run.ts";

/** Ten times the size of a long issue. GitHub's limit is 25 MB, but few of its deliveries come near this one. */
const HOOK_BYTES = 256 * 1024;

/** GitHub gives up after ten seconds. A sender that gets a failure before that sends again, which is still one run. */
const LIMIT_MS = 8_000;

/** How long the same body counts as the same delivery if nothing else identifies it. */
const SAME_BODY_MS = 5 * 60_000;

/** The window of both rate limits in wrangler.toml. */
const LIMIT_WINDOW_SECONDS = 60;

/** What the sender likes: each type is data for the trigger's picks and prompt. */
const deliveries = () => ({
  "application/json": z.unknown().openapi({ example: { action: "opened", issue: { number: 7, title: "It is slow" } } }),
  "application/x-www-form-urlencoded": z.record(z.string(), z.string()).openapi({
    description: "JSON in the field `payload`, or any fields.",
    example: { payload: '{"action":"opened"}' },
  }),
  "text/plain": z.string().openapi({ example: "The backup is done." }),
});

export function addHooks(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/hooks/{trigger_id}",
      tag: "Triggers",
      summary: "Deliver to a webhook trigger",
      description:
        "Needs no API key: the delivery is signed as the trigger's `verify` says. The same delivery again returns the same run, marked as `duplicate`.",
      open: true,
      takes: deliveries,
      params: z.object({ trigger_id: z.string() }),
      headers: z.object({ "taskloom-hops": hopsHeader }),
      answers: {
        202: { description: "The run; null if the delivery needs none (a ping).", schema: hookAnswer },
      },
      problems: [
        "bad_json",
        "unauthorized",
        "forbidden",
        "not_found",
        "invalid_operation",
        "rate_limited",
        "not_configured",
      ],
    },
    async (context, { params }) => {
      const body = await readBytes(context.req.raw, HOOK_BYTES).catch(noteTooLarge);
      const answered = receive(context, params.trigger_id, body);
      // A delivery that is too late for an answer is still completed and logged.
      context.executionCtx.waitUntil(answered.catch(() => undefined));
      return context.json(await withinTime(clock, LIMIT_MS, "D1 or the thread", answered), 202);
    },
  );
}

/** Refused only once its trigger is known, so that the owner learns of it. */
function noteTooLarge(error: unknown): null {
  if (error instanceof Problem && error.failure.code === "body_too_large") return null;
  throw error;
}

type HookAnswer = z.infer<ReturnType<typeof hookAnswer>>;

/** `body` is null if it was too large to read. */
async function receive(context: AppContext, trigger_id: string, body: Uint8Array | null): Promise<HookAnswer> {
  const found = clientId.safeParse(trigger_id).success ? await findTrigger(context.env.DB, trigger_id) : null;
  const { trigger } = found ?? {};
  const verify = trigger?.settings.verify ?? null;
  if (!found || !trigger || verify === null || found.rest === "deleted")
    throw new Problem("not_found", "There is no such webhook.");
  if (body === null) {
    return refuse(context, found, "body_too_large", `The body is larger than ${HOOK_BYTES} bytes.`);
  }
  const now = Date.now();
  const secrets = await openLiveSecrets(context.get("config").encryption_keys, found.secret, now);
  if (!secrets.ok) {
    return refuse(context, found, "not_configured", "The server can't verify this delivery.", secrets.error.detail);
  }
  const delivery = { headers: context.req.raw.headers, body, now };
  const verified = await verifyDelivery(verify, secrets.value, delivery);
  if (!verified.ok) {
    return refuse(context, found, "unauthorized", "The delivery is not signed as it should be.", verified.error.detail);
  }
  return receiveVerified(context, found, body, verified.value);
}

async function receiveVerified(
  context: AppContext,
  found: FoundTrigger,
  body: Uint8Array,
  verified: VerifiedDelivery,
): Promise<HookAnswer> {
  const { trigger, rest, quotas } = found;
  const { identity, event } = verified;
  const source_id = identity.kind === "named" ? identity.id : identity.kind === "body" ? `body-${identity.hash}` : null;
  const refuseIt = (code: ProblemCode, detail: string, reason = detail) =>
    refuse(context, found, code, detail, reason, source_id);
  if (!(await isWithin(context, "DELIVERY_LIMIT", trigger))) {
    return refuseIt("rate_limited", "Too many deliveries in a minute.");
  }
  const holder = { user_id: trigger.user_id, quotas };
  requireQuota(await takeOne(context.env, holder, "deliveries_per_minute"));
  if (!trigger.enabled) return refuseIt("forbidden", "The webhook is paused.");
  // The sender reads the same: who has the secret need not know more. 410 would end a delivery for good.
  if (rest !== null) return refuseIt("forbidden", "The webhook is paused.", "The account is disabled.");
  const payload = readPayload(body, context.req.header("content-type") ?? null);
  if (!payload.ok) return refuseIt(payload.error.code, payload.error.detail);
  const { trigger_id } = trigger;
  const isOfGithub = trigger.settings.verify?.scheme === "github";
  if ((isOfGithub && event === "ping") || isPing(payload.value.value)) {
    const none = { thread_id: null, invocation_id: null };
    writeLog(context, trigger, { status: "skipped", reason: "A ping needs no run.", source_id, ...none });
    return { ...none, trigger_id, duplicate: false };
  }
  const chained = await findChain(context, trigger, payload.value);
  if (!chained.ok) {
    // A Taskloom sender then knows that the receiver did not fail, and does not retry.
    context.header(HOPS_HEADER, String(MAX_HOPS));
    return refuseIt(chained.error.code, chained.error.detail);
  }
  const known = identity.kind === "body" ? await findSameBody(context, trigger, source_id) : null;
  if (known !== null) return { ...known, trigger_id, duplicate: true };
  requireQuota(await admitRun(context.env, holder));
  const window = Math.floor(Date.now() / SAME_BODY_MS);
  const id = identity.kind === "body" ? `${source_id}-${window}` : (source_id ?? crypto.randomUUID());
  const firing = describeFiring(trigger, `delivery:${id}`, payload.value, { event, source_id }, chained.value);
  const fired = await fireTrigger(context.env, trigger, firing);
  if (!fired.ok) return refuseFiring(refuseIt, fired.error);
  const { run, created, is_other } = fired.value;
  const ids = { thread_id: run.thread_id, invocation_id: run.invocation_id };
  if (created) writeLog(context, trigger, { status: "accepted", reason: null, source_id, ...ids });
  if (is_other && (await mayLogRefusal(context, found))) {
    const reason =
      "The same delivery came before, with another body or before the trigger was changed; the run is the first one's.";
    writeLog(context, trigger, { status: "refused", reason, source_id, ...ids });
  }
  return { ...ids, trigger_id, duplicate: !created };
}

/** Not in the trigger's log: a flood must write nothing. The sender sends it again. */
function requireQuota(refusal: Failure | null): void {
  if (refusal === null) return;
  const detail = "The account of this webhook has used up a quota. Send it again later.";
  throw new Problem(refusal.code, detail, false, refusal.retry_after_s);
}

/**
 * The sender can't fix the owner's problem, but may retry if a thread is full, or once the operator has fixed a
 * setting.
 */
function refuseFiring(
  refuseIt: (code: ProblemCode, detail: string, reason: string) => Promise<never>,
  error: { code: ProblemCode; detail: string },
): Promise<never> {
  if (error.code === "rate_limited") return refuseIt("rate_limited", "Too many deliveries wait.", error.detail);
  if (error.code === "not_configured") return refuseIt("not_configured", "The server can't start a run.", error.detail);
  return refuseIt("invalid_operation", "The webhook can't start a run: ask its owner.", error.detail);
}

function findSameBody(context: AppContext, trigger: Trigger, source_id: string | null) {
  const since = new Date(Date.now() - SAME_BODY_MS).toISOString();
  return source_id === null ? null : findAcceptedDelivery(context.env.DB, trigger, source_id, since);
}

/** `detail` is for the sender, `reason` for the owner. Refusals beyond the limit are answered but not logged. */
async function refuse(
  context: AppContext,
  found: FoundTrigger,
  code: ProblemCode,
  detail: string,
  reason = detail,
  source_id: string | null = null,
): Promise<never> {
  const isWritten = await mayLogRefusal(context, found);
  if (isWritten) {
    writeLog(context, found.trigger, { status: "refused", reason, source_id, thread_id: null, invocation_id: null });
  }
  // Unknown senders are slowed down. Errors of a signed delivery are always reported.
  const isStranger = code === "unauthorized" || code === "not_configured";
  const answered = isStranger && !isWritten ? "rate_limited" : code;
  if (answered === "rate_limited") context.header("retry-after", String(LIMIT_WINDOW_SECONDS));
  throw new Problem(answered, answered === code ? detail : "Too many deliveries were refused lately.");
}

/** Strangers cause these rows, too: as many as a trigger's limit for each of a thousand triggers would be a flood. */
async function mayLogRefusal(context: AppContext, { trigger, quotas }: FoundTrigger): Promise<boolean> {
  if (!(await isWithin(context, "REFUSAL_LIMIT", trigger))) return false;
  const holder = { user_id: trigger.user_id, quotas };
  return (await takeOne(context.env, holder, "logged_refusals_per_minute")) === null;
}

/** A missing or failing rate limit keeps nobody out. */
async function isWithin(
  context: AppContext,
  name: "DELIVERY_LIMIT" | "REFUSAL_LIMIT",
  { trigger_id }: Trigger,
): Promise<boolean> {
  try {
    const outcome = await context.env[name]?.limit({ key: trigger_id });
    return outcome?.success ?? true;
  } catch (error) {
    logError("rate_limit_failed", error, { name, trigger_id });
    return true;
  }
}
