// Reading the audit. A user reads what concerns its own account, an admin what concerns any.
import { z } from "@hono/zod-openapi";
import { ADMIN_KEY_ID } from "../../protocol/ids.ts";
import { type AuditEntry, type AuditSource, auditActions, auditOutcomes } from "../../protocol/people/audit.ts";
import { late } from "../../protocol/schemas/late.ts";
import { listAuditEntries } from "../../store/people/audit.ts";
import type { App, Caller } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";
import { time as exampleTime } from "../examples.ts";
import { addOperation } from "../operation.ts";
import { pageOf, pageQuery, time } from "../schemas.ts";

const nullable = z.string().nullable();

const source = z
  .object({
    type: z.enum(["http", "slack", "agent", "server", "unknown"]),
    address: nullable.optional(),
    user_agent: nullable.optional(),
    request_id: z.string().optional(),
    team_id: z.string().optional(),
    slack_user_id: z.string().optional(),
    thread_id: z.string().optional(),
    invocation_id: z.string().optional(),
  })
  .openapi({
    description: "`http`: a request; `slack`: a person in Slack; `agent`: a run; `server`: the server itself.",
  });

const entry = late(() =>
  z
    .object({
      entry_id: z.string(),
      created_at: time,
      user_id: nullable.openapi({ description: "Whose account it is about. Null if that is not known." }),
      actor_id: nullable.openapi({ description: "The user who acted. Null if that is not known." }),
      key_id: nullable.openapi({ description: "The key or session that acted, or `admin_key`." }),
      // Not an enum: a later version may have written it.
      action: z.string(),
      target: nullable.openapi({ description: "The id of what it was done to." }),
      outcome: z
        .enum(auditOutcomes)
        .nullable()
        .openapi({ description: "Null if it is not known whether it happened." }),
      source,
      details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    })
    .openapi("AuditEntry", {
      example: {
        entry_id: "aud_01jdf3k8x2m4n6p8q0r2s4t6v8",
        created_at: exampleTime,
        user_id: "user_first",
        actor_id: "user_first",
        key_id: "key_01jdf3k8x2m4n6p8q0r2s4t6v8",
        action: "webhook.update",
        target: "hook_01jdf3k8x2m4n6p8q0r2s4t6v8",
        outcome: "done",
        source: { type: "http", address: "203.0.113.9", user_agent: "curl/8.9.1", request_id: "6d1f5e0c" },
        details: { fields: "enabled, url" },
      },
    }),
);

/** An id, or `admin_key`. */
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 _ -");
const moment = z.iso.datetime({ offset: true }).openapi({ format: "date-time", example: exampleTime });

const query = pageQuery.extend({
  action: z.enum(auditActions).optional(),
  user_id: id
    .optional()
    .openapi({ description: "Only entries about this account. For admins, who read all accounts without it." }),
  actor_id: id.optional(),
  key_id: id.optional(),
  since: moment.optional(),
  until: moment.optional().openapi({ description: "Not included." }),
});

export function addAudit(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/audit",
      // Entries have addresses, and name all ways in.
      scope: "write or admin",
      tag: "Users and keys",
      summary: "List the audit",
      description:
        "Who did what, from where, by which key. A page that is filtered by `action`, `actor_id` or `key_id` may have fewer entries than `limit`, or none, while `next_cursor` continues. Only an admin sees where other users acted from.",
      query,
      answers: { 200: { description: "Newest first.", schema: pageOf(entry) } },
      problems: ["bad_cursor", "not_found"],
    },
    async (context, { query }) => {
      const caller = context.get("caller");
      const filter = {
        user_id: whoseEntries(caller, query.user_id),
        action: query.action ?? null,
        actor_id: query.actor_id ?? null,
        key_id: query.key_id ?? null,
        since: toMs(query.since),
        until: toMs(query.until),
      };
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = unwrap(await listAuditEntries(context.env.DB, filter, request));
      return context.json({ ...page, data: page.data.map((each) => show(each, caller)) });
    },
  );
}

function whoseEntries(caller: Caller, wanted: string | undefined): string | null {
  if (isAdmin(caller)) return wanted ?? null;
  if (wanted === undefined || wanted === caller.user_id) return caller.user_id;
  throw new Problem("not_found", `There is no user ${wanted}, or your key lacks the scope \`admin\`.`);
}

function isAdmin({ scopes }: Caller): boolean {
  return scopes.includes("admin");
}

/**
 * An admin's address is not for the users whom it serves, and the admin key is not the first user's own. The address of
 * whom nobody knows is: of whoever used a copied cookie.
 */
function show(each: AuditEntry, caller: Caller): AuditEntry & { source: AuditSource } {
  const isOwn = each.actor_id === caller.user_id && each.key_id !== ADMIN_KEY_ID;
  if (isOwn || each.actor_id === null || isAdmin(caller) || each.source.type !== "http") return each;
  return { ...each, source: { ...each.source, address: null, user_agent: null } };
}

function toMs(moment: string | undefined): number | null {
  return moment === undefined ? null : Date.parse(moment);
}
