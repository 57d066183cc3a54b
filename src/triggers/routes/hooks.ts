// The door of webhook triggers. It is open to everybody, so it costs little until a signature is right: one read of D1, one
// hash. Strangers and the real sender are counted apart, so that no stranger fills the owner's log or keeps the sender out.
// What the answer says to a stranger helps with nothing; why a delivery was refused is in the log of its trigger.
import { z } from "@hono/zod-openapi";
import { readBytes } from "../../http/body.ts";
import type { App, AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { findChain, hopsHeader } from "../../http/hops.ts";
import { addOperation } from "../../http/operation.ts";
import { logError } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { HOPS_HEADER, MAX_HOPS } from "../../protocol/chain.ts";
import type { ProblemCode } from "../../protocol/error.ts";
import { clientId } from "../../protocol/ids.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import { openLiveSecrets } from "../../secrets/rotated.ts";
import { findAcceptedDelivery } from "../../store/triggers/log.ts";
import { findTrigger } from "../../store/triggers/triggers.ts";
import { clock } from "../../thread/ports.ts";
import { readPayload } from "../payload.ts";
import { type VerifiedDelivery, verifyDelivery } from "../verify.ts";
import { describeFiring, writeLog } from "./firing.ts";
import { hookAnswer } from "./schemas.ts";
import { fireTrigger } from "./start-run.ts";

/** Ten times what a long page of an issue takes; GitHub cuts at 25 MB, and few of its deliveries come near this. */
const HOOK_BYTES = 256 * 1024;

/** GitHub gives up after ten seconds. Who is told of a failure before sends again, and it is one run. */
const LIMIT_MS = 8_000;

/** How long the same body is the same delivery, where nothing else tells. */
const SAME_BODY_MS = 5 * 60_000;

/** The window of both limits in wrangler.toml. */
const LIMIT_WINDOW_SECONDS = 60;

export function addHooks(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/hooks/{trigger_id}",
      tag: "Triggers",
      summary: "Deliver to a webhook trigger",
      description:
        "Without a key: the delivery is signed, as the trigger's `verify` says. The same delivery again is the same run, and is answered as such.",
      open: true,
      takesBytes: true,
      params: z.object({ trigger_id: z.string() }),
      headers: z.object({ "taskloom-hops": hopsHeader }),
      answers: { 202: { description: "Its run; null where it needs none (GitHub's ping).", schema: hookAnswer } },
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
      // What comes too late to be answered is still brought to its end, and logged.
      context.executionCtx.waitUntil(answered.catch(() => undefined));
      return context.json(await withinTime(clock, LIMIT_MS, "D1 or the thread", answered), 202);
    },
  );
}

/** Refused once it is known whose it is: its owner should find out. */
function noteTooLarge(error: unknown): null {
  if (error instanceof Problem && error.failure.code === "body_too_large") return null;
  throw error;
}

type HookAnswer = z.infer<typeof hookAnswer>;

/** `body` is null where it was too large to be read. */
async function receive(context: AppContext, trigger_id: string, body: Uint8Array | null): Promise<HookAnswer> {
  const found = clientId.safeParse(trigger_id).success ? await findTrigger(context.env.DB, trigger_id) : null;
  const { trigger } = found ?? {};
  const verify = trigger?.settings.verify ?? null;
  if (!found || !trigger || verify === null) throw new Problem("not_found", "There is no such webhook.");
  if (body === null) {
    return refuse(context, trigger, "body_too_large", `The body is larger than ${HOOK_BYTES} bytes.`);
  }
  const now = Date.now();
  const secrets = await openLiveSecrets(context.get("config").encryption_keys, found.secret, now);
  if (!secrets.ok) {
    return refuse(context, trigger, "not_configured", "The webhook can't be checked here.", secrets.error.detail);
  }
  const delivery = { headers: context.req.raw.headers, body, now };
  const verified = await verifyDelivery(verify, secrets.value, delivery);
  if (!verified.ok) {
    return refuse(
      context,
      trigger,
      "unauthorized",
      "The delivery is not signed as it should be.",
      verified.error.detail,
    );
  }
  return receiveVerified(context, trigger, body, verified.value);
}

async function receiveVerified(
  context: AppContext,
  trigger: Trigger,
  body: Uint8Array,
  verified: VerifiedDelivery,
): Promise<HookAnswer> {
  const { identity, event } = verified;
  const source_id = identity.kind === "named" ? identity.id : identity.kind === "body" ? `body-${identity.hash}` : null;
  const refuseIt = (code: ProblemCode, detail: string, reason = detail) =>
    refuse(context, trigger, code, detail, reason, source_id);
  if (!(await isWithin(context, "DELIVERY_LIMIT", trigger))) {
    return refuseIt("rate_limited", "Too many deliveries in a minute.");
  }
  if (!trigger.enabled) return refuseIt("forbidden", "The webhook is paused.");
  const payload = readPayload(body, context.req.header("content-type") ?? null);
  if (!payload.ok) return refuseIt(payload.error.code, payload.error.detail);
  const { trigger_id } = trigger;
  if (event === "ping" && trigger.settings.verify?.scheme === "github") {
    const none = { thread_id: null, invocation_id: null };
    writeLog(context, trigger, { status: "skipped", reason: "GitHub's ping needs no run.", source_id, ...none });
    return { ...none, trigger_id, duplicate: false };
  }
  const chained = await findChain(context, trigger, payload.value);
  if (!chained.ok) {
    // Who sends for us then knows that it is none of the receiver's failures, and does not come again.
    context.header(HOPS_HEADER, String(MAX_HOPS));
    return refuseIt(chained.error.code, chained.error.detail);
  }
  const known = identity.kind === "body" ? await findSameBody(context, trigger, source_id) : null;
  if (known !== null) return { ...known, trigger_id, duplicate: true };
  const window = Math.floor(Date.now() / SAME_BODY_MS);
  const id = identity.kind === "body" ? `${source_id}-${window}` : (source_id ?? crypto.randomUUID());
  const firing = describeFiring(trigger, `delivery:${id}`, payload.value, { event, source_id }, chained.value);
  const fired = await fireTrigger(context.env, trigger, firing);
  if (!fired.ok) return refuseFiring(refuseIt, fired.error);
  const { run, created, is_other } = fired.value;
  const ids = { thread_id: run.thread_id, invocation_id: run.invocation_id };
  if (created) writeLog(context, trigger, { status: "accepted", reason: null, source_id, ...ids });
  if (is_other && (await isWithin(context, "REFUSAL_LIMIT", trigger))) {
    const reason =
      "The same delivery came before, with another body or before the trigger was changed; the run is the first one's.";
    writeLog(context, trigger, { status: "refused", reason, source_id, ...ids });
  }
  return { ...ids, trigger_id, duplicate: !created };
}

/** The sender can't mend what its owner has to, but it may come again where a thread is full. */
function refuseFiring(
  refuseIt: (code: ProblemCode, detail: string, reason: string) => Promise<never>,
  error: { code: ProblemCode; detail: string },
): Promise<never> {
  if (error.code === "rate_limited") return refuseIt("rate_limited", "Too many deliveries wait.", error.detail);
  return refuseIt("invalid_operation", "The webhook can't start a run: ask its owner.", error.detail);
}

function findSameBody(context: AppContext, trigger: Trigger, source_id: string | null) {
  const since = new Date(Date.now() - SAME_BODY_MS).toISOString();
  return source_id === null ? null : findAcceptedDelivery(context.env.DB, trigger, source_id, since);
}

/** `detail` is for whoever sent it, `reason` for the owner. Refusals beyond the limit are answered and not written down. */
async function refuse(
  context: AppContext,
  trigger: Trigger,
  code: ProblemCode,
  detail: string,
  reason = detail,
  source_id: string | null = null,
): Promise<never> {
  const isWritten = await isWithin(context, "REFUSAL_LIMIT", trigger);
  if (isWritten) {
    writeLog(context, trigger, { status: "refused", reason, source_id, thread_id: null, invocation_id: null });
  }
  // Who is not known is slowed down; what is wrong with a delivery that is signed is said however often.
  const isStranger = code === "unauthorized" || code === "not_configured";
  const told = isStranger && !isWritten ? "rate_limited" : code;
  if (told === "rate_limited") context.header("retry-after", String(LIMIT_WINDOW_SECONDS));
  throw new Problem(told, told === code ? detail : "Too many deliveries were refused lately.");
}

/** A limit that is not there or fails keeps nobody out. */
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
