// Signs out: ends sessions, and takes the cookie of the one that asks.
import { z } from "@hono/zod-openapi";
import { logoutAddress } from "../../sign-in/logout.ts";
import { endSession } from "../../store/people/sessions.ts";
import { audited } from "../audit.ts";
import { callerOf } from "../auth.ts";
import type { App, AppContext, Caller } from "../context.ts";
import { Problem } from "../errors.ts";
import { addOperation } from "../operation.ts";
import { cookieName, readCookie, writeCookie } from "./cookie.ts";
import { sourceOfRequest } from "./own-page.ts";
import { readToken } from "./token.ts";

const signedOut = z
  .object({
    redirect_to: z
      .url()
      .nullable()
      .openapi({ description: "The issuer's page where the browser signs out too; null if there is none." }),
  })
  .openapi("SignedOut", { example: { redirect_to: null } });

export function addSignOut(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/auth/sign-out",
      tag: "Users and keys",
      summary: "Sign out",
      description:
        "Ends the session of the cookie and deletes the cookie, even if the session has already ended. Only for this server's own pages.",
      open: true,
      records: ["session.delete"],
      answers: { 200: { description: "The browser is signed out here.", schema: signedOut } },
      problems: ["forbidden", "rate_limited", "not_configured"],
    },
    async (context) => {
      if (sourceOfRequest(context.req.raw) !== "page") {
        throw new Problem("forbidden", "Only this server's own pages sign people out.");
      }
      const caller = await findCaller(context);
      if (caller !== null) {
        const { user_id, key_id } = caller;
        context.set("caller", caller);
        const act = { action: "session.delete", target: key_id, details: { reason: "sign_out" } } as const;
        await audited(context, act, () => endSession(context.env.DB, user_id, key_id, Date.now()));
        context.get("authenticator").forget(key_id);
      }
      dropCookie(context);
      const { settings } = context.get("config").sign_in;
      const home = new URL("/", context.req.url).href;
      return context.json({ redirect_to: settings && (await logoutAddress(settings, home)) });
    },
  );
}

/** Null if the session has ended already. */
async function findCaller(context: AppContext): Promise<Caller | null> {
  try {
    return await context.get("sessions").identify(context, { is_leaving: true });
  } catch (error) {
    const code = error instanceof Problem ? error.failure.code : null;
    if (code === "unauthorized") return null;
    if (code === "forbidden") return await findOfDisabled(context);
    throw error;
  }
}

/** The user is disabled, which is said only once the cookie has proved itself. */
async function findOfDisabled(context: AppContext): Promise<Caller | null> {
  const name = cookieName(new URL(context.req.url));
  const cookie = name === null ? null : readCookie(context.req.header("cookie"), name);
  const token = cookie === null ? null : readToken(cookie);
  if (token === null) return null;
  const { key } = await context.get("authenticator").look(token.session_id, context.env.DB);
  return key && callerOf(key);
}

/** The answer deletes the browser's cookie, and brings no new one. */
export function dropCookie(context: AppContext): void {
  const name = cookieName(new URL(context.req.url));
  context.set("session", undefined);
  if (name !== null) context.header("set-cookie", writeCookie(name, "", 0), { append: true });
}
