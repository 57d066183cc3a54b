// Routes with which an owner makes, changes, rotates, runs and deletes triggers. Deliveries arrive in hooks.ts. A
// secret is only in the answer to the request that made it.
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { nearAnswer, nearHeaders, readNear } from "../../http/lists/near.ts";
import { addOperation } from "../../http/operation.ts";
import { fullOf, usualQuotas } from "../../http/ownership.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import { rotateSecret, sealFirst } from "../../secrets/rotated.ts";
import { whileMakerLives } from "../../store/keys/maker.ts";
import { deleteSecret, putSecret } from "../../store/secrets.ts";
import { listTriggerDeliveries } from "../../store/triggers/log.ts";
import { createTrigger, deleteTrigger, listTriggers, updateTrigger } from "../../store/triggers/triggers.ts";
import { runNow } from "./firing.ts";
import { checkKeptSecret, requireSecret } from "./kept-secret.ts";
import { checkOwned, missing, requireTrigger, show } from "./owned.ts";
import type { TriggerPatch } from "./schemas.ts";
import * as schemas from "./schemas.ts";
import {
  applyPatch,
  checkPace,
  checkTrigger,
  chooseSecret,
  findNext,
  isRetimed,
  isTakenOver,
  newTrigger,
  refuseOtherFields,
  secretOf,
} from "./settings.ts";

const tag = "Triggers";
const params = schemas.triggerParams;
const path = "/v1/triggers/{trigger_id}";

// Each try can lose to a concurrent change; with this many, twenty changes at once all succeed.
const CHANGES_TRIED = 25;

const once = { "cache-control": "no-store" };

export function addTriggers(app: App): void {
  addCreate(app);
  addReads(app);
  addPatch(app);
  addRotate(app);
  addRun(app);
  addOperation(
    app,
    {
      method: "delete",
      path,
      tag,
      summary: "Delete a trigger",
      description: "Deletes its secret and its deliveries too. Runs that it started continue.",
      params,
      answers: { 204: { description: "The trigger is deleted." } },
      problems: ["not_found"],
      audit: "trigger.delete",
    },
    async (context, { params }) => {
      const { user_id } = context.get("caller");
      const deleted = await deleteTrigger(context.env.DB, user_id, params.trigger_id);
      if (!deleted) throw missing(params.trigger_id);
      return context.body(null, 204);
    },
  );
}

function addCreate(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/triggers",
      tag,
      summary: "Create a trigger",
      description: "An incoming webhook or a schedule. The secret of a webhook is shown only in this answer.",
      body: schemas.triggerBody,
      answers: {
        201: { description: "The trigger.", schema: schemas.newTrigger, headers: { Location: "The trigger's path." } },
      },
      problems: ["not_found", "invalid_operation"],
      audit: "trigger.create",
      quota: "triggers",
    },
    async (context, { body }) => {
      const { user_id, key_id } = context.get("caller");
      const now = Date.now();
      const made = newTrigger({ user_id, key_id }, body, now);
      await checkOwned(context, made);
      checkTrigger(made);
      checkPace(made, context.get("config").schedule_minutes, now);
      const secret = body.type === "webhook" ? chooseSecret(body.verify, body.secret) : null;
      // The secret is stored first, so that no trigger is without one.
      if (secret !== null) {
        const { encryption_keys } = portsOf(context);
        await putSecret(
          context.env.DB,
          unwrap(await sealFirst(encryption_keys, secretOf(made), secret, made.created_at)),
        );
      }
      const usual = usualQuotas(context)("triggers");
      const outcome = unwrap(await whileMakerLives(createTrigger(context.env.DB, made, usual)));
      if (outcome === "taken") throw new Error("a new trigger's id is taken");
      if (outcome === "full") {
        if (secret !== null) await deleteSecret(context.env.DB, secretOf(made));
        throw await fullOf(context, "triggers");
      }
      const location = `/v1/triggers/${made.trigger_id}`;
      return context.json({ ...show(context, made), secret }, 201, { ...once, location });
    },
  );
}

function addReads(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/triggers",
      tag,
      summary: "List triggers",
      description: "Incoming webhooks and schedules, newest first, without their secrets.",
      query: pageQuery,
      headers: nearHeaders,
      answers: {
        200: { description: "Newest first, without secrets.", schema: pageOf(schemas.trigger), headers: nearAnswer },
      },
      problems: ["bad_cursor"],
    },
    async (context, { query }) => {
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = unwrap(await readNear(context, (db) => listTriggers(db, context.get("caller").user_id, request)));
      return context.json({ ...page, data: page.data.map((trigger) => show(context, trigger)) });
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path,
      tag,
      summary: "Read a trigger",
      description: "Without its secret. A schedule has its next times.",
      params,
      answers: { 200: { description: "The trigger, without its secret.", schema: schemas.trigger } },
      problems: ["not_found"],
    },
    async (context, { params }) => context.json(show(context, await requireTrigger(context, params.trigger_id))),
  );
  addOperation(
    app,
    {
      method: "get",
      path: `${path}/deliveries`,
      tag,
      summary: "List what came to a trigger",
      description: "Each with its run, or why there is none. Kept for 30 days, about the newest 10,000.",
      params,
      query: pageQuery,
      headers: nearHeaders,
      answers: { 200: { description: "Newest first.", schema: pageOf(schemas.triggerDelivery), headers: nearAnswer } },
      problems: ["not_found", "bad_cursor"],
    },
    async (context, { params, query }) => {
      const { user_id } = context.get("caller");
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = unwrap(
        await readNear(context, (db) => listTriggerDeliveries(db, user_id, params.trigger_id, request)),
      );
      // Rows go with their trigger, so only a page without any asks for it.
      if (page.data.length === 0) await requireTrigger(context, params.trigger_id);
      const data = page.data.map(({ user_id: _user, trigger_id: _trigger, retry_at: _retry, ...row }) => row);
      return context.json({ ...page, data });
    },
  );
}

function addPatch(app: App): void {
  addOperation(
    app,
    {
      method: "patch",
      path,
      tag,
      summary: "Change, pause or resume a trigger",
      description: "Absent fields stay unchanged. The type and the secret can't be changed here.",
      params,
      body: schemas.triggerPatch,
      answers: { 200: { description: "The changed trigger.", schema: schemas.trigger } },
      problems: ["not_found", "version_conflict", "invalid_operation"],
      audit: "trigger.update",
    },
    async (context, { params, body }) => {
      for (let time = 0; time < CHANGES_TRIED; time++) {
        const changed = await changeOnce(context, params.trigger_id, body);
        if (changed !== null) return context.json(show(context, changed));
      }
      throw new Problem("version_conflict", "The trigger is being changed by other requests. Try again.");
    },
  );
}

/** Null if another change came between, which must not be undone: a new prompt must not end a pause. */
async function changeOnce(context: AppContext, trigger_id: string, patch: TriggerPatch): Promise<Trigger | null> {
  const before = await requireTrigger(context, trigger_id);
  refuseOtherFields(before, patch);
  const changed = applyPatch(before, patch);
  await checkOwned(context, changed, before);
  checkTrigger(changed);
  await checkKeptSecret(context, before, changed);
  const isOther = isTakenOver(before, changed);
  if (isOther) await requireSecret(context, changed);
  const { agent_id, project_id, prompt, thread, enabled, settings } = changed;
  // Each change gets a later time than the one before, so that no two are mistaken for each other.
  const now = Math.max(Date.now(), Date.parse(before.updated_at) + 1);
  if (before.settings.cron !== settings.cron) checkPace(changed, context.get("config").schedule_minutes, now);
  return await updateTrigger(context.env.DB, before, {
    ...{ agent_id, project_id, prompt, thread, enabled, settings },
    ...(isRetimed(before, changed) ? { next_at: findNext(changed, now) } : {}),
    updated_at: new Date(now).toISOString(),
    ...(isOther && { made_by: context.get("caller").key_id }),
  });
}

function addRotate(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: `${path}/rotate`,
      tag,
      summary: "Give a webhook trigger a new secret",
      description:
        "Shown only in this answer. The former secrets stay valid for `overlap_seconds`, a day if absent. The caller knows the secret, and so becomes the trigger's `made_by`.",
      params,
      body: schemas.rotationBody,
      answers: { 200: { description: "The trigger with its new secret.", schema: schemas.newTrigger } },
      problems: ["not_found", "invalid_operation", "version_conflict"],
      audit: "trigger.rotate_secret",
    },
    async (context, { params, body }) => {
      const trigger = await requireTrigger(context, params.trigger_id);
      const { verify } = trigger.settings;
      if (verify === null) throw new Problem("invalid_operation", "A schedule has no secret.");
      const secret = chooseSecret(verify, body.secret);
      const overlap_ms = body.overlap_seconds * 1000;
      const made_by = context.get("caller").key_id;
      unwrap(await rotateSecret(portsOf(context), secretOf(trigger), secret, overlap_ms, Date.now(), made_by));
      return context.json({ ...show(context, { ...trigger, made_by }), secret }, 200, once);
    },
  );
}

function addRun(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: `${path}/run`,
      scope: "run",
      tag,
      summary: "Run a trigger now",
      counts: "run",
      description: "Runs a paused trigger too. A schedule's next time does not change.",
      params,
      headers: schemas.firingHeaders,
      body: schemas.firingBody,
      answers: { 202: { description: "The run, accepted.", schema: schemas.firedRun } },
      problems: ["not_found", "rate_limited", "idempotency_conflict", "invalid_operation"],
    },
    async (context, { params, headers, body }) => {
      const trigger = await requireTrigger(context, params.trigger_id);
      if (trigger.type === "schedule" && body.payload !== undefined) {
        throw new Problem("unknown_field", 'not known: "payload" (of a webhook, and this is a schedule)');
      }
      const id = headers["idempotency-key"] ?? crypto.randomUUID();
      return context.json(await runNow(context, trigger, id, body.payload), 202);
    },
  );
}

function portsOf(context: AppContext) {
  return { database: context.env.DB, encryption_keys: context.get("config").encryption_keys };
}
