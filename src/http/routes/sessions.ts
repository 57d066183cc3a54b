// The caller's own sessions: where somebody is signed in as this user.
import { z } from "@hono/zod-openapi";
import { clientId } from "../../protocol/ids.ts";
import { late } from "../../protocol/schemas/late.ts";
import { endSession, endSessions, listSessions, MAX_SESSIONS } from "../../store/people/sessions.ts";
import { audited } from "../audit.ts";
import type { App, AppContext } from "../context.ts";
import { Problem } from "../errors.ts";
import * as examples from "../examples.ts";
import { addOperation } from "../operation.ts";
import { time } from "../schemas.ts";
import { dropCookie } from "../sessions/end.ts";
import { revokeWithMade } from "./made.ts";

const tag = "Users and keys";

const session = late(() =>
  z
    .object({
      session_id: z.string(),
      created_at: time,
      expires_at: time,
      last_used_at: time.nullable().openapi({ description: "To the hour." }),
      user_agent: z.string().nullable().openapi({ description: "The browser, as it named itself at sign-in." }),
      address: z.string().nullable().openapi({ description: "The address at sign-in." }),
      current: z.boolean().openapi({ description: "Whether this request comes from it." }),
    })
    .openapi("Session", { example: examples.session }),
);

export function addSessions(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/sessions",
      tag,
      // It shows addresses of people.
      scope: "write",
      summary: "List sessions",
      description: `Where the user is signed in, newest first. A user has at most ${MAX_SESSIONS} sessions; one more ends the oldest.`,
      answers: {
        200: {
          description: "Live sessions.",
          schema: () => z.object({ data: z.array(session()), next_cursor: z.null() }),
        },
      },
    },
    async (context) => {
      const { user_id, key_id } = context.get("caller");
      const found = await listSessions(context.env.DB, user_id, Date.now());
      const data = found.map((each) => ({ ...each, current: each.session_id === key_id }));
      return context.json({ data, next_cursor: null });
    },
  );

  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/sessions/{session_id}",
      tag,
      summary: "End a session",
      counts: "nothing",
      description:
        "With `made=revoke`, also ends what the session created, as for an API key. This also works for a session that has already ended.",
      params: z.object({ session_id: clientId }),
      query: z.strictObject({
        made: z
          .enum(["keep", "revoke"])
          .default("keep")
          .openapi({ description: "What happens to what it made (`GET /v1/api-keys/{key_id}/made` with its id)." }),
      }),
      records: ["session.delete"],
      answers: { 204: { description: "The session has ended." } },
      problems: ["not_found"],
    },
    async (context, { params: { session_id }, query: { made } }) => {
      const { user_id, key_id } = context.get("caller");
      const act = { action: "session.delete", target: session_id, details: { made } } as const;
      await audited(context, act, async (notes) => {
        if (!session_id.startsWith("sess_")) throw noSuchSession();
        if (made === "revoke") notes.is_idle = !(await revokeWithMade(context, user_id, session_id));
        else if (!(await endSession(context.env.DB, user_id, session_id, Date.now()))) throw noSuchSession();
      });
      context.get("authenticator").forget(session_id);
      if (session_id === key_id) dropOwnCookie(context);
      return context.body(null, 204);
    },
  );

  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/sessions",
      tag,
      summary: "Sign out everywhere",
      counts: "nothing",
      description: "What the sessions created stays, and so do API keys.",
      query: z.strictObject({
        except: z
          .literal("current")
          .optional()
          .openapi({ description: "`current` keeps the session of this request. A request with an API key has none." }),
      }),
      records: ["session.delete"],
      answers: { 204: { description: "The sessions have ended." } },
    },
    async (context, { query: { except } }) => {
      const { user_id, kind, key_id } = context.get("caller");
      const kept = except === "current" && kind === "session" ? key_id : null;
      const act = { action: "session.delete", details: { all: true } } as const;
      const ended = await audited(context, act, async (notes) => {
        const session_ids = await endSessions(context.env.DB, user_id, Date.now(), kept);
        notes.details = { ...act.details, sessions: session_ids.length };
        notes.is_idle = session_ids.length === 0;
        return session_ids;
      });
      for (const session_id of ended) context.get("authenticator").forget(session_id);
      if (ended.includes(key_id)) dropOwnCookie(context);
      return context.body(null, 204);
    },
  );
}

/** Only if the request came with it: a ticket or a key brings none. */
function dropOwnCookie(context: AppContext): void {
  if (context.get("session")) dropCookie(context);
}

function noSuchSession(): Problem {
  return new Problem("not_found", "There is no such session.");
}
