// One-use tickets for routes that a browser opens without a key: a WebSocket, a download, a stream. A ticket is valid
// for the one purpose that it was issued for. Redeemed for another, it is refused like an unknown one, and is used up.
import { hashText, toHex } from "../lib/hash.ts";
import { ADMIN_KEY_ID } from "../protocol/ids.ts";
import { type Scope, userScopes } from "../protocol/keys/scope.ts";
import { findApiKey, findEndedKeys } from "../store/api-keys.ts";
import { createTicket, type Ticket, takeTicket } from "../store/tickets.ts";
import { isExpired } from "../thread/stream/ended-keys.ts";
import { requireOpen, requireScope } from "./auth.ts";
import type { AppContext } from "./context.ts";
import { Problem } from "./errors.ts";
import { fullOf, requireProject } from "./ownership.ts";
import { requireProvider } from "./workspace.ts";

/** A browser opens an address that it has just requested in far less time. */
const TICKET_MS = 60_000;
const TICKET_BYTES = 32;

/** The limit of a ticket in a query, so that longer ones are not hashed. */
export const TICKET_CHARACTERS = 200;

export type TicketPurpose = "terminal" | "download" | "watch";

/** What the key that asks must be allowed to do. Whoever brings the ticket may do no more than that. */
export const ticketScopes = { terminal: "write", download: "run", watch: "read" } as const satisfies Record<
  TicketPurpose,
  Scope
>;

/** Returns an address at `path` that works once, for what `details` describe in a project of the caller. */
export async function issueTicket(
  context: AppContext,
  { purpose, path, project_id }: { purpose: TicketPurpose; path: string; project_id: string },
  details: Record<string, unknown>,
): Promise<{ url: URL; expires_at: string }> {
  const project = await requireProject(context, project_id);
  requireProvider(context);
  return await makeTicket(context, { purpose, path, project_id: project.project_id }, details);
}

/** The same without a project to look up. */
export async function makeTicket(
  context: AppContext,
  { purpose, path, project_id }: { purpose: TicketPurpose; path: string; project_id: string },
  details: Record<string, unknown>,
): Promise<{ url: URL; expires_at: string }> {
  const { user_id, key_id } = context.get("caller");
  const ticket = toHex(crypto.getRandomValues(new Uint8Array(TICKET_BYTES)));
  const now = Date.now();
  const expires_at = new Date(now + TICKET_MS).toISOString();
  const stored = {
    user_id,
    project_id,
    hash: toHex(await hashText(ticket)),
    expires_at,
    details: { purpose, key_id, ...details },
  };
  const isMade = await createTicket(context.env.DB, stored, new Date(now).toISOString());
  if (!isMade) throw await fullOf(context, "tickets");
  return { url: new URL(`${path}?ticket=${ticket}`, context.req.url), expires_at };
}

/** Redeems a ticket. From now on the caller of this request is the user who requested the ticket. */
export async function redeemTicket(
  context: AppContext,
  purpose: TicketPurpose,
  ticket: string,
): Promise<{ project_id: string; details: Record<string, unknown> }> {
  requireProvider(context);
  const take = (hash: string) => takeTicket(context.env.DB, hash, new Date().toISOString());
  const { project_id, details } = await admitTicket(context, purpose, ticket, take);
  await requireProject(context, project_id);
  return { project_id, details };
}

/** Makes whoever brings a ticket that `take` finds the caller. */
export async function admitTicket(
  context: AppContext,
  purpose: TicketPurpose,
  ticket: string,
  take: (hash: string) => Promise<Ticket | null>,
): Promise<{ project_id: string; hash: string; details: Record<string, unknown> }> {
  const guess = context.get("guesses").open(context);
  guess.look();
  const hash = toHex(await hashText(ticket));
  const taken = await take(hash);
  const { purpose: own, key_id, ...details } = taken?.details ?? {};
  if (!taken || own !== purpose || typeof key_id !== "string") {
    guess.fail();
    throw new Problem("unauthorized", "The ticket is not known, was used, or has expired.");
  }
  guess.giveBack();
  await bear(context, { user_id: taken.user_id, key_id }, ticketScopes[purpose]);
  return { project_id: taken.project_id, hash, details };
}

/** Makes whoever brings the ticket the caller, for as long as the key holds that asked for it. */
async function bear(context: AppContext, key: { user_id: string; key_id: string }, scope: Scope): Promise<void> {
  const confirmed_at = Date.now();
  const caller = { ...key, confirmed_at, expires_at: null, scopes: [scope], is_limited: true };
  if (key.key_id === ADMIN_KEY_ID) {
    if (await hasKeyEnded(context, key.user_id, key.key_id)) throw noLongerValid();
    return context.set("caller", { ...caller, kind: "admin_key" });
  }
  const found = await findApiKey(context.env.DB, key.key_id);
  const expires_at = found?.expires_at ? Date.parse(found.expires_at) : null;
  if (found?.user_id !== key.user_id || isExpired({ expires_at }, confirmed_at)) {
    throw noLongerValid();
  }
  requireOpen(found);
  requireScope({ scopes: found.scopes ?? userScopes }, scope);
  context.set("caller", { ...caller, kind: found.kind, expires_at, quotas: found.quotas });
}

function noLongerValid(): Problem {
  return new Problem("unauthorized", "The API key that asked for the ticket is no longer valid.");
}

/** Whether the key that asked for a ticket no longer holds. The admin key does as long as it acts for the user. */
export async function hasKeyEnded(context: AppContext, user_id: string, key_id: string): Promise<boolean> {
  if (key_id === ADMIN_KEY_ID && context.get("config").admin_key_only_admin) return true;
  return (await findEndedKeys(context.env.DB, user_id, [key_id], Date.now())).length > 0;
}
