// One-use tickets for doors that a browser opens without a key: a WebSocket, a download. Each opens the one door that it
// was made for; at another it is as unknown as any, and spent.
import { hashText, toHex } from "../lib/hash.ts";
import { createTicket, takeTicket } from "../store/tickets.ts";
import type { AppContext } from "./context.ts";
import { Problem } from "./errors.ts";
import { requireProject } from "./ownership.ts";
import { requireProvider } from "./workspace.ts";

/** To open an address that was just asked for takes a browser far less. */
const TICKET_MS = 60_000;
const TICKET_BYTES = 32;

/** Of a query; longer ones need not be hashed. */
export const TICKET_CHARACTERS = 200;

export type Door = "terminal" | "download";

/** An address at `path` that opens once what `details` say, in a project of the caller. */
export async function issueTicket(
  context: AppContext,
  { door, path, project_id }: { door: Door; path: string; project_id: string },
  details: Record<string, unknown>,
): Promise<{ url: URL; expires_at: string }> {
  const project = await requireProject(context, project_id);
  requireProvider(context);
  const ticket = toHex(crypto.getRandomValues(new Uint8Array(TICKET_BYTES)));
  const now = Date.now();
  const expires_at = new Date(now + TICKET_MS).toISOString();
  const stored = {
    user_id: project.user_id,
    project_id: project.project_id,
    hash: toHex(await hashText(ticket)),
    expires_at,
    details: { door, ...details },
  };
  await createTicket(context.env.DB, stored, new Date(now).toISOString());
  return { url: new URL(`${path}?ticket=${ticket}`, context.req.url), expires_at };
}

/** Who asked for the ticket is the caller from now on. */
export async function redeemTicket(
  context: AppContext,
  door: Door,
  ticket: string,
): Promise<{ project_id: string; details: Record<string, unknown> }> {
  requireProvider(context);
  const taken = await takeTicket(context.env.DB, toHex(await hashText(ticket)), new Date().toISOString());
  const { door: own, ...details } = taken?.details ?? {};
  if (!taken || own !== door) {
    throw new Problem("unauthorized", "The ticket is not known, was used, or has expired.");
  }
  context.set("caller", { user_id: taken.user_id, is_admin: false });
  await requireProject(context, taken.project_id);
  return { project_id: taken.project_id, details };
}
