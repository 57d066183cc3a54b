// One-use tickets: the hash of each, and what it opens. The statement that takes a ticket deletes it, so only one of
// two concurrent bearers succeeds. A ticket for a stream stays for a time once it is opened, so that a browser's
// `EventSource`, which has only its first address, can reconnect to that stream.
import { and, eq, gt, lt, sql } from "drizzle-orm";
import { open } from "./database.ts";
import { tickets } from "./projects/schema.ts";
import { roomFor, rowWhere } from "./quotas/insert.ts";

export interface Ticket {
  user_id: string;
  /** SHA-256 of the ticket, hex. The ticket itself is not stored. */
  hash: string;
  project_id: string;
  expires_at: string;
  details: Record<string, unknown>;
}

/**
 * Also deletes the user's expired tickets. False if the user has too many unused ones.
 */
export async function createTicket(db: D1Database, ticket: Ticket, now: string): Promise<boolean> {
  const database = open(db);
  const isExpired = and(eq(tickets.user_id, ticket.user_id), lt(tickets.expires_at, now));
  // What Slack's installation needs is no ticket of a project, and does not count.
  const room = ticket.project_id === "" ? sql`1` : roomFor(ticket.user_id, "tickets");
  const insert = database
    .insert(tickets)
    .select(rowWhere(tickets, ticket, room))
    .returning({ hash: tickets.hash });
  const [, made] = await database.batch([database.delete(tickets).where(isExpired), insert]);
  return made.length > 0;
}

/** False if the ticket exists: of two concurrent claims one succeeds. Also deletes the user's expired tickets. */
export async function claimTicket(db: D1Database, ticket: Ticket, now: string): Promise<boolean> {
  const database = open(db);
  const isExpired = and(eq(tickets.user_id, ticket.user_id), lt(tickets.expires_at, now));
  const [, claimed] = await database.batch([
    database.delete(tickets).where(isExpired),
    database.insert(tickets).values(ticket).onConflictDoNothing().returning({ hash: tickets.hash }),
  ]);
  return claimed.length > 0;
}

/** In place of a project's id, which has no slash: a stream's ticket that nobody has opened. It counts as unused. */
export const UNOPENED = "/watch";

/** Opens the ticket of a stream, once, which then stays until `until`. Null if there is none, or if it has expired. */
export async function openTicket(db: D1Database, hash: string, now: string, until: string): Promise<Ticket | null> {
  const isUnopened = and(eq(tickets.hash, hash), eq(tickets.project_id, UNOPENED), gt(tickets.expires_at, now));
  const opened = { project_id: "", expires_at: until };
  const [ticket] = await open(db).update(tickets).set(opened).where(isUnopened).returning();
  return ticket ?? null;
}

/** The ticket of a stream that was opened before. Null if there is none, or if it has expired. */
export async function findOpened(db: D1Database, hash: string, now: string): Promise<Ticket | null> {
  const isOpened = and(eq(tickets.hash, hash), eq(tickets.project_id, ""), gt(tickets.expires_at, now));
  const [ticket] = await open(db).select().from(tickets).where(isOpened);
  return ticket ?? null;
}

/** Null if there is no such ticket, or if it was taken or has expired. */
export async function takeTicket(db: D1Database, hash: string, now: string): Promise<Ticket | null> {
  const [ticket] = await open(db).delete(tickets).where(eq(tickets.hash, hash)).returning();
  return ticket !== undefined && ticket.expires_at > now ? ticket : null;
}
