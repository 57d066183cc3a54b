// Streams for a browser's own `EventSource`, which can't send a key: a page asks for a ticket with its key, and opens
// the address that has it. `EventSource` reconnects to that address by itself, so the ticket stays valid for that, and
// only for the same stream, for an hour. Whoever opens it again takes the stream over from whoever has it.
import { z } from "@hono/zod-openapi";
import { findOpened, openTicket, UNOPENED } from "../../store/tickets.ts";
import { callThread } from "../../thread/stub.ts";
import type { App, AppContext } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";
import { type Answer, addOperation } from "../operation.ts";
import { keyOf } from "../ownership.ts";
import { runParams, threadParams, ticket } from "../schemas.ts";
import { admitTicket, makeTicket, TICKET_CHARACTERS, ticketScopes } from "../tickets.ts";
import { headers, position, runAnswers, watch } from "./events.ts";

const OPEN_PATH = "/v1/events";
const tag = "Events";
const OPENED_MS = 60 * 60_000;
/** Enough of the hash to tell the tickets of a thread apart. */
const NAME_CHARACTERS = 16;

const watched = z.object({ thread_id: z.string(), invocation_id: z.string().nullable() });

const common = {
  method: "post",
  scope: ticketScopes.watch,
  tag,
  answers: { 201: { description: "The address of the stream.", schema: ticket } } satisfies Record<number, Answer>,
  problems: ["not_found"],
  quota: "tickets",
} as const;

const description =
  "For `EventSource`, which can't send a key: the address opens the stream once, within a minute. Within an hour, a request with `Last-Event-ID` opens it again, as `EventSource` does by itself.";

export function addWatchTickets(app: App): void {
  addOperation(
    app,
    {
      ...common,
      path: "/v1/threads/{thread_id}/events/ticket",
      summary: "Create a ticket for a thread's stream",
      description,
      params: threadParams,
      problems: ["not_found"],
    },
    async (context, { params: { thread_id } }) => {
      const key = keyOf(context, thread_id);
      unwrap(await callThread(context.env, key, (stub) => stub.readThread(key)));
      return await answerTicket(context, { thread_id, invocation_id: null });
    },
  );
  addOperation(
    app,
    {
      ...common,
      path: "/v1/threads/{thread_id}/runs/{invocation_id}/events/ticket",
      summary: "Create a ticket for a run's stream",
      description,
      params: runParams,
      problems: ["not_found"],
    },
    async (context, { params: { thread_id, invocation_id } }) => {
      const key = keyOf(context, thread_id);
      unwrap(await callThread(context.env, key, (stub) => stub.getRun(key, invocation_id)));
      return await answerTicket(context, { thread_id, invocation_id });
    },
  );
}

async function answerTicket(context: AppContext, details: z.infer<typeof watched>): Promise<Response> {
  const target = { purpose: "watch", path: OPEN_PATH, project_id: UNOPENED } as const;
  const { url, expires_at } = await makeTicket(context, target, details);
  return context.json({ url: url.href, expires_at }, 201, { "cache-control": "no-store" });
}

export function addTicketStream(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: OPEN_PATH,
      tag,
      summary: "A stream",
      description: "Answers what the ticket is for, as the operation with a key does.",
      open: true,
      query: position.extend({ ticket: z.string().max(TICKET_CHARACTERS).default("") }),
      headers,
      answers: runAnswers,
      problems: ["not_found", "bad_cursor", "unauthorized", "invalid_operation", "not_configured"],
    },
    async (context, { query }) => {
      // A client that sends HEAD before GET would use the ticket up.
      if (context.req.raw.method === "HEAD") throw new Problem("invalid_operation", "This address is for a GET.");
      const { hash, details } = await admitTicket(context, "watch", query.ticket, (hash) => takeWatch(context, hash));
      const { thread_id, invocation_id } = watched.parse(details);
      return await watch(context, thread_id, invocation_id, query.after, hash.slice(0, NAME_CHARACTERS));
    },
  );
}

/** A reconnect names the last event that it has. It writes nothing. */
async function takeWatch(context: AppContext, hash: string) {
  const now = Date.now();
  const at = new Date(now).toISOString();
  const isReturn = Boolean(context.req.header("last-event-id"));
  const opened = isReturn ? await findOpened(context.env.DB, hash, at) : null;
  return opened ?? (await openTicket(context.env.DB, hash, at, new Date(now + OPENED_MS).toISOString()));
}
