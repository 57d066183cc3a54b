// Installs the app in a browser: a one-use address redirects to Slack's own page, which redirects back with a code. The
// code must come from the same browser, for the account that requested it: the state is used once, and only together
// with the browser's cookie.
import { z } from "@hono/zod-openapi";
import { getCookie } from "hono/cookie";
import type { SlackSettings } from "../../config.ts";
import { audited } from "../../http/audit.ts";
import { identify, requireScope } from "../../http/auth.ts";
import type { App, AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import { addOperation } from "../../http/operation.ts";
import { hasKeyEnded, TICKET_CHARACTERS } from "../../http/tickets.ts";
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { hashText, toHex } from "../../lib/hash.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { createTicket, takeTicket } from "../../store/tickets.ts";
import { createSlackCaller } from "../api.ts";
import { authorizeAddress, readAccess, type SlackGrant } from "../oauth.ts";
import { connectGrant } from "./grants.ts";
import { answerFailurePage, answerPage } from "./pages.ts";

/** A person reads Slack's page and may have to sign in there first. */
const INSTALL_MS = 10 * 60_000;
const SECRET_BYTES = 32;
const CALLBACK = "/integrations/slack/callback";
const COOKIE = "taskloom_slack";

const unknownTicket = fail("unauthorized", "This address is not known, was used, or has expired. Ask for another one.");

type TicketPurpose = "slack_install" | "slack_state";

/** The agent and project of the workspace's threads. */
export interface InstallChoice {
  agent_id: string | null;
  project_id: string | null;
}

interface Installer {
  user_id: string;
  /** The key that asked. */
  key_id: string;
}

export function addSlackInstall(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/integrations/slack/install",
      tag: "Slack",
      open: true,
      summary: "Redirect to Slack's page that installs the app",
      description: "Needs a `ticket` of `POST /v1/slack/install`, or a key.",
      query: z.object({ ticket: z.string().max(TICKET_CHARACTERS).optional() }),
      answers: { 302: { description: "To Slack.", headers: { Location: "Slack's page." } } },
      problems: ["unauthorized", "rate_limited", "not_configured"],
    },
    async (context, { query }) => {
      const settings = requireClient(context);
      if (context.req.method === "HEAD")
        throw new Problem("unauthorized", "A HEAD request can't use a ticket. Open the address in a browser.");
      const who = await findInstaller(context, query.ticket);
      // Tickets are opened in browsers, so the failure is a page for a person.
      if (who === null) return answerFailurePage(context, unknownTicket.error);
      return await redirectToSlack(context, settings, who.installer, who.choice);
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: CALLBACK,
      tag: "Slack",
      open: true,
      summary: "Back from Slack's page",
      description: "Slack redirects the browser here. The answer is a small page, even if the installation failed.",
      query: z.object({
        code: z.string().max(1_000).optional(),
        state: z.string().max(TICKET_CHARACTERS).optional(),
        error: z.string().max(200).optional(),
      }),
      answers: { 200: { description: "The workspace is connected.", text: "text/html" } },
      problems: ["unauthorized", "forbidden", "already_exists", "invalid_operation", "rate_limited", "not_configured"],
      records: ["slack_workspace.connect"],
    },
    async (context, { query }) => {
      const installed = await completeInstall(context, requireClient(context), query);
      context.header("set-cookie", cookieOf(context, "", 0));
      if (!installed.ok) return answerFailurePage(context, installed.error);
      const { team_name, team_id, user_id } = installed.value;
      const text = `The workspace ${team_name ?? team_id} belongs to the account ${user_id} now. Mention the app in a channel, or write to it. You can close this page.`;
      return answerPage(context, "Slack is connected", text);
    },
  );
}

/** Returns the address that starts an installation for this user, once. */
export async function createInstallAddress(
  context: AppContext,
  installer: Installer,
  choice: InstallChoice,
): Promise<{ url: string; expires_at: string }> {
  requireClient(context);
  const ticket = await storeTicket(context, "slack_install", installer, { ...choice });
  const url = new URL(`/integrations/slack/install?ticket=${ticket.secret}`, context.req.url);
  return { url: url.href, expires_at: ticket.expires_at };
}

type Client = SlackSettings & { client: NonNullable<SlackSettings["client"]> };

function requireClient(context: AppContext): Client {
  const { slack, encryption_keys } = context.get("config");
  const missing = [
    ...(slack === null ? ["SLACK_SIGNING_SECRET"] : []),
    ...(slack?.client ? [] : ["SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"]),
    ...(encryption_keys.length === 0 ? ["ENCRYPTION_KEY"] : []),
  ];
  if (slack?.client && missing.length === 0) return { ...slack, client: slack.client };
  throw new Problem("not_configured", `The app can't be installed: set ${missing.join(", ")}.`);
}

/** Returns the user who installs; null if the ticket is not valid. */
async function findInstaller(
  context: AppContext,
  ticket: string | undefined,
): Promise<{ installer: Installer; choice: InstallChoice } | null> {
  if (ticket === undefined) {
    if (context.req.header("authorization") === undefined) {
      throw new Problem("unauthorized", "Ask for an address first: POST /v1/slack/install with your key.");
    }
    const installer = await identify(context);
    // As for `POST /v1/slack/install`, which this stands for.
    requireScope(installer, "write");
    return { installer, choice: { agent_id: null, project_id: null } };
  }
  return await take(context, "slack_install", ticket);
}

async function redirectToSlack(
  context: AppContext,
  { authorize_url, client }: Client,
  installer: Installer,
  choice: InstallChoice,
): Promise<Response> {
  const cookie = randomHex();
  const bound = { ...choice, cookie: toHex(await hashText(cookie)) };
  const state = await storeTicket(context, "slack_state", installer, bound);
  const redirect_uri = new URL(CALLBACK, context.req.url).href;
  const location = authorizeAddress(authorize_url, { client_id: client.id, redirect_uri, state: state.secret });
  return context.body(null, 302, {
    location,
    "set-cookie": cookieOf(context, cookie, INSTALL_MS / 1000),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
  });
}

interface Installed {
  team_id: string;
  team_name: string | null;
  user_id: string;
}

async function completeInstall(
  context: AppContext,
  settings: Client,
  { code, state, error }: { code?: string; state?: string; error?: string },
): Promise<Result<Installed>> {
  const ticket = await takeState(context, state);
  if (ticket === null) {
    return fail("unauthorized", "This installation is not known here, was used, or has expired. Begin it again.");
  }
  if (error === "access_denied") return fail("forbidden", "You did not allow the app in Slack.");
  if (error !== undefined || code === undefined) return fail("forbidden", "Slack did not allow the app. Begin again.");
  const granted = await exchange(context, settings, code);
  if (!granted.ok) return granted;
  const { installer: by, choice } = ticket;
  const act = { action: "slack_workspace.connect", by, target: granted.value.team_id } as const;
  const connected = await audited(context, act, async (notes) => {
    const made = await connectGrant(context, by, choice, granted.value);
    if (!made.ok) notes.refused = made.error.code;
    return made;
  });
  if (!connected.ok) return connected;
  const { team_id, team_name } = connected.value;
  return succeed({ team_id, team_name, user_id: by.user_id });
}

/** Takes the state's ticket, which uses it up. Returns null without the cookie of the browser that got the state. */
async function takeState(context: AppContext, state: string | undefined): Promise<Taken | null> {
  const cookie = getCookie(context, nameOfCookie(context));
  const taken = state === undefined ? null : await take(context, "slack_state", state);
  if (taken === null || cookie === undefined || cookie.length > TICKET_CHARACTERS) return null;
  const encoder = new TextEncoder();
  const given = encoder.encode(toHex(await hashText(cookie)));
  return equalInConstantTime(encoder.encode(taken.cookie), given) ? taken : null;
}

async function exchange(
  context: AppContext,
  { api_url, app_id, client }: Client,
  code: string,
): Promise<Result<SlackGrant>> {
  const call = createSlackCaller({ api_url, token: null });
  const redirect_uri = new URL(CALLBACK, context.req.url).href;
  const given = { client_id: client.id, client_secret: client.secret, code, redirect_uri };
  const answer = await call("oauth.v2.access", given);
  if (answer.kind === "refused")
    return fail("forbidden", `Slack did not take the code (${answer.error}). Begin again.`);
  if (answer.kind !== "done") return fail("internal", "Slack could not be reached. Begin again in a moment.");
  const read = readAccess(answer.body, app_id);
  return read.ok ? succeed(read.grant) : fail("invalid_operation", read.reason);
}

async function storeTicket(
  context: AppContext,
  purpose: TicketPurpose,
  { user_id, key_id }: Installer,
  details: Record<string, unknown>,
): Promise<{ secret: string; expires_at: string }> {
  const secret = randomHex();
  const now = Date.now();
  const expires_at = new Date(now + INSTALL_MS).toISOString();
  const hash = toHex(await hashText(secret));
  const ticket = { user_id, project_id: "", hash, expires_at, details: { purpose, key_id, ...details } };
  await createTicket(context.env.DB, ticket, new Date(now).toISOString());
  return { secret, expires_at };
}

interface Taken {
  installer: Installer;
  choice: InstallChoice;
  /** The hash of the cookie of the browser that got the state; empty for an address. */
  cookie: string;
}

/** Null for a ticket whose key has ended, too. */
async function take(context: AppContext, purpose: TicketPurpose, secret: string): Promise<Taken | null> {
  const guess = context.get("guesses").open(context);
  guess.look();
  const taken = await takeTicket(context.env.DB, toHex(await hashText(secret)), new Date().toISOString());
  const isRight = taken?.details.purpose === purpose;
  if (isRight) guess.giveBack();
  else guess.fail();
  if (!isRight) return null;
  const { user_id, details } = taken;
  const textOf = (value: unknown) => (typeof value === "string" ? value : null);
  const [key_id, agent_id, project_id] = [details.key_id, details.agent_id, details.project_id].map(textOf);
  if (key_id == null || (await hasKeyEnded(context, user_id, key_id))) return null;
  const choice = { agent_id: agent_id ?? null, project_id: project_id ?? null };
  return { installer: { user_id, key_id }, choice, cookie: textOf(details.cookie) ?? "" };
}

function randomHex(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/** The prefix binds the cookie to this host. Browsers accept it over https only. */
function nameOfCookie(context: AppContext): string {
  return isSecure(context) ? `__Host-${COOKIE}` : COOKIE;
}

function cookieOf(context: AppContext, value: string, seconds: number): string {
  const parts = [`${nameOfCookie(context)}=${value}`, "Path=/", `Max-Age=${seconds}`, "HttpOnly", "SameSite=Lax"];
  return [...parts, ...(isSecure(context) ? ["Secure"] : [])].join("; ");
}

function isSecure(context: AppContext): boolean {
  return new URL(context.req.url).protocol === "https:";
}
