// Lists may come from a copy of D1 near the reader. D1 asks the primary for whatever is not read in a session, so that
// a list shows what the same client has just made. A client that reads often says up to which state it has seen: the
// bookmark of the last answer. Keys are always read from the primary, since a revoked one must end within seconds, and
// so is what belongs to one thread: its object promises more than a client's bookmark knows.
import { z } from "@hono/zod-openapi";
import { describeError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { clock } from "../../thread/ports.ts";
import type { AppContext } from "../context.ts";
import { Problem } from "../errors.ts";

const name = "taskloom-bookmark";
const FIRST = "first";
const PRIMARY = "first-primary";

export const nearHeaders = z.object({
  [name]: z
    .string()
    .regex(/^(?:first|[0-9a-f-]{8,200})$/)
    .optional()
    .openapi({
      description:
        "The `Taskloom-Bookmark` of the last answer, or `first`. Drop it after each request that changes something.",
      examples: [FIRST],
    }),
});

/** For the description of the answer. */
export const nearAnswer = {
  "Taskloom-Bookmark": "The state that was read. Only if the request has this header.",
};

/** A copy that lags is waited for. A bookmark of another database, or one that a client has made up, is never reached. */
const NEAR_MS = 3_000;

/**
 * Calls `read` with D1, or with a session that is at least as new as the request's bookmark. Where that fails or takes
 * too long, the primary is asked, as for `first`.
 */
export async function readNear<T>(context: AppContext, read: (db: D1Database) => Promise<T>): Promise<T> {
  const { DB } = context.env;
  const bookmark = context.req.header(name);
  if (bookmark === undefined) return await read(DB);
  const readFrom = async (start: string): Promise<T> => {
    const session = DB.withSession(start);
    // What reads lists prepares statements and sends them, also together. A session can do both.
    const reading = read(session as unknown as D1Database);
    const value = start === PRIMARY ? await reading : await withinTime(clock, NEAR_MS, "D1", reading);
    const reached = session.getBookmark();
    if (reached !== null) context.header("Taskloom-Bookmark", reached);
    return value;
  };
  if (bookmark === FIRST) return await readFrom(PRIMARY);
  try {
    return await readFrom(bookmark);
  } catch (error) {
    if (error instanceof Problem) throw error;
    logWarning("near_read_failed", { request_id: context.get("request_id"), error: describeError(error) });
    return await readFrom(PRIMARY);
  }
}
