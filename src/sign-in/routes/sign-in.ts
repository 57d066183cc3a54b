// Signs people in with OpenID Connect: the browser goes to the issuer and comes back with a code, for which this server
// asks the issuer who it is (authorization code flow with PKCE). Whatever fails leads to the page with a word that the
// page explains; what the issuer wrote is shown to nobody.
import { z } from "@hono/zod-openapi";
import type { SignInSettings } from "../../config/sign-in.ts";
import type { App, AppContext, Guess } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { startSession } from "../../http/sessions/start.ts";
import { logError, logWarning } from "../../lib/log.ts";
import { scopes } from "../../protocol/keys/scope.ts";
import type { SignInCode } from "../../protocol/people/sign-in.ts";
import { authorizationAddress, beginAttempt } from "../attempt.ts";
import { askUserInfo, exchangeCode } from "../exchange.ts";
import { checkIdToken } from "../id-token.ts";
import { type Issuer, issuerOf } from "../issuer.ts";
import { failed, found, type Reading, type SignInFailure } from "../outcome.ts";
import { isSilent, joinClaims, type Person, readPerson } from "../person.ts";
import { readReturnTo } from "../return-to.ts";
import { isSafe, storeAttempt, takeAttempt } from "./cookies.ts";
import { findOrMakeUser } from "./enter.ts";

const CALLBACK = "/auth/callback";

/** What comes back is bounded, and ours is shorter. Entra's codes have 2,000 characters. */
const callbackQuery = z.object({
  code: z.string().max(8_192).optional(),
  state: z.string().max(200).optional(),
  iss: z.string().max(2_048).optional(),
  error: z.string().max(200).optional(),
});
type CallbackQuery = z.infer<typeof callbackQuery>;

export function addSignIn(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/auth/sign-in",
      tag: "Sign-in",
      open: true,
      summary: "Go to the issuer's page to sign in",
      description:
        "For browsers. `return_to` is a path of this server; any other text leads to `/`. From a link on another site, the browser goes to that path at once, and the person starts the sign-in there.",
      query: z.object({ return_to: z.string().optional() }),
      answers: {
        302: {
          description: "To the issuer, or to the page with `?sign_in=<code>`.",
          headers: { Location: "The page." },
        },
      },
      problems: ["not_configured"],
    },
    async (context, { query }) => {
      const issuer = issuerOf(requireSettings(context));
      if (isFromElsewhere(context)) return redirect(context, 302, readReturnTo(query.return_to));
      const begun = isSafe(context)
        ? await begin(context, issuer, query.return_to)
        : failed("insecure", "the page was opened over http");
      return begun.ok ? redirect(context, 302, begun.value) : fail(context, 302, begun.failure);
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: CALLBACK,
      tag: "Sign-in",
      open: true,
      summary: "Back from the issuer's page",
      description: "The issuer redirects the browser here. The answer sets the cookie of a new session.",
      query: callbackQuery,
      records: ["session.create", "user.create", "user.update", "sign_in.refuse"],
      answers: {
        303: {
          description: "To `return_to`, or to the page with `?sign_in=<code>`.",
          headers: { Location: "A path of this server.", "Set-Cookie": "The session." },
        },
      },
      problems: ["not_configured"],
    },
    async (context, { query }) => {
      const issuer = issuerOf(requireSettings(context));
      const done = await complete(context, issuer, query);
      return done.ok ? redirect(context, 303, done.value) : fail(context, 303, done.failure);
    },
  );
}

function requireSettings(context: AppContext): SignInSettings {
  const { settings, problem } = context.get("config").sign_in;
  if (settings !== null) return settings;
  throw new Problem("not_configured", problem ?? "Sign-in is not set up: set OIDC_ISSUER and OIDC_CLIENT_ID.");
}

/**
 * Whether a page of another site sent the browser here. Where the issuer asks nothing it would sign the person in again,
 * as whom the issuer takes them for, and end the oldest of their sessions, as often as that page likes.
 */
function isFromElsewhere(context: AppContext): boolean {
  return ["cross-site", "same-site"].includes(context.req.header("sec-fetch-site") ?? "");
}

/** Returns the issuer's page. */
async function begin(context: AppContext, issuer: Issuer, return_to: string | undefined): Promise<Reading<string>> {
  const metadata = await issuer.readMetadata();
  if (!metadata.ok) return metadata;
  const attempt = beginAttempt(return_to, Date.now());
  storeAttempt(context, attempt);
  const { client_id, scopes } = issuer.settings;
  const { authorization_endpoint } = metadata.value;
  const request = { authorization_endpoint, client_id, scopes, redirect_uri: callbackOf(context) };
  return found(await authorizationAddress(request, attempt));
}

/** Returns where the person wanted to go. */
async function complete(context: AppContext, issuer: Issuer, query: CallbackQuery): Promise<Reading<string>> {
  const attempt = query.state === undefined ? null : await takeAttempt(context, query.state);
  if (attempt === null) return failed("expired", "this browser began no such sign-in in the last ten minutes");
  const guess = context.get("guesses").open(context);
  try {
    guess.look();
    const person = await identify(issuer, query, { ...attempt, redirect_uri: callbackOf(context) });
    const user = person.ok ? await findOrMakeUser(context, issuer.settings, person.value) : person;
    count(guess, user);
    if (!user.ok) return user;
    const { user_id, role } = user.value;
    const sign_in = { issuer: issuer.settings.issuer };
    await startSession(context, { user_id, scopes: role === "admin" ? [...scopes] : null, sign_in });
    return found(attempt.return_to);
  } catch (error) {
    const problem = error instanceof Problem ? error.failure.code : null;
    if (problem === "rate_limited") return failed("too_many", "too many attempts of this address failed");
    if (problem === "unauthorized") return failed("disabled", "the user was disabled or deleted meanwhile");
    guess.giveBack();
    logError("sign_in_broke", error, { request_id: context.get("request_id") });
    return failed("failed", "the server failed");
  }
}

/** A failed attempt costs the issuer a request, so their number is limited. Its own failures are nobody's fault. */
function count(guess: Guess, done: Reading<unknown>): void {
  const isInnocent = done.ok || done.failure.code === "unavailable" || done.failure.code === "cancelled";
  if (isInnocent) guess.giveBack();
  else guess.fail();
}

interface Expected {
  nonce: string;
  verifier: string;
  redirect_uri: string;
}

async function identify(issuer: Issuer, query: CallbackQuery, expected: Expected): Promise<Reading<Person>> {
  const metadata = await issuer.readMetadata();
  if (!metadata.ok) return metadata;
  const { settings } = issuer;
  // RFC 9207: an answer that was meant for another issuer's client is not taken.
  if (query.iss !== undefined && query.iss !== settings.issuer) return failed("rejected", "callback: another issuer");
  if (query.iss === undefined && metadata.value.names_itself) return failed("rejected", "callback: names no issuer");
  if (query.error !== undefined) return failed(...describeError(query.error));
  if (query.code === undefined) return failed("rejected", "callback: no code");
  const { nonce, ...code } = { ...expected, code: query.code };
  const tokens = await exchangeCode(issuer, metadata.value, code);
  if (!tokens.ok) return tokens;
  const checked = await checkIdToken(issuer, tokens.value, nonce);
  if (!checked.ok) return checked;
  const { sub } = checked.value;
  const more = isSilent(settings, checked.value)
    ? await askUserInfo(issuer, metadata.value, tokens.value.access_token, sub)
    : null;
  return found(await readPerson(settings, sub, joinClaims(checked.value, more)));
}

function describeError(error: string): [SignInCode, string] {
  if (error === "access_denied") return ["cancelled", "callback: access_denied"];
  if (error === "temporarily_unavailable" || error === "server_error") return ["unavailable", `callback: ${error}`];
  return ["rejected", "callback: the issuer answered with an error"];
}

function callbackOf(context: AppContext): string {
  return new URL(CALLBACK, context.req.url).href;
}

function fail(context: AppContext, status: 302 | 303, { code, reason }: SignInFailure): Response {
  if (code !== "cancelled") {
    logWarning("sign_in_failed", { request_id: context.get("request_id"), code, reason });
  }
  return redirect(context, status, `/?sign_in=${code}`);
}

/** To the issuer, or to a path that `readReturnTo` judged. */
function redirect(context: AppContext, status: 302 | 303, to: string): Response {
  return context.body(null, status, {
    location: new URL(to, context.req.url).href,
    "cache-control": "no-store",
    // The address of the callback has the code in it.
    "referrer-policy": "no-referrer",
  });
}
