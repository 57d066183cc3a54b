// Records what a request does in the audit. The entry is written first, and nothing is done without one. Its outcome
// follows, also if the client has gone: whoever cuts the connection does not escape the record.
import { logError } from "../lib/log.ts";
import type { AuditAction, AuditEntry, AuditSource } from "../protocol/people/audit.ts";
import { type AuditEnd, closeAuditEntry, openAuditEntry } from "../store/people/audit.ts";
import type { AppContext, Caller } from "./context.ts";
import { Problem } from "./errors.ts";

/** Longer ones are cut: the rest tells nobody who it was. */
const USER_AGENT_CHARACTERS = 200;
/** The longest form of an IPv6 address has 45. */
const ADDRESS_CHARACTERS = 64;

export interface AuditedAct {
  action: AuditAction;
  /** Whose account it is about, if not the caller's. */
  user_id?: string | null;
  target?: string | null;
  details?: AuditEntry["details"];
}

/** What the work learns about itself, such as the id of what it made. */
export type AuditNotes = Pick<AuditEnd, "target" | "details">;

/** Does the work between the entry and its outcome. A `Problem` that it throws is recorded as a refusal. */
export async function audited<T>(
  context: AppContext,
  { action, user_id, target = null, details = {} }: AuditedAct,
  work: (notes: AuditNotes) => Promise<T>,
): Promise<T> {
  const { DB } = context.env;
  // Not set where nobody has signed in yet.
  const caller = context.get("caller") as Caller | undefined;
  const about = user_id === undefined ? (caller?.user_id ?? null) : user_id;
  const who = { user_id: about, actor_id: caller?.user_id ?? null, key_id: caller?.key_id ?? null };
  const act = async (): Promise<T> => {
    const entry = await openAuditEntry(DB, { ...who, action, target, source: sourceOf(context), details }, Date.now());
    const notes: AuditNotes = {};
    const end = (outcome: AuditEnd) =>
      closeAuditEntry(DB, entry, outcome).catch((error: unknown) =>
        logError("audit_left_open", error, { entry_id: entry.entry_id, action }),
      );
    try {
      const done = await work(notes);
      await end({ outcome: "done", ...notes });
      return done;
    } catch (error) {
      // What failed for another reason may have happened or not.
      if (error instanceof Problem && error.failure.code !== "internal") {
        await end({
          outcome: "refused",
          ...notes,
          details: { ...details, ...notes.details, code: error.failure.code },
        });
      }
      throw error;
    }
  };
  const acting = act();
  context.executionCtx.waitUntil(acting.catch(() => {}));
  return await acting;
}

export function sourceOf(context: AppContext): AuditSource {
  const read = (name: string, characters: number) => context.req.header(name)?.slice(0, characters) ?? null;
  return {
    type: "http",
    address: read("cf-connecting-ip", ADDRESS_CHARACTERS),
    user_agent: read("user-agent", USER_AGENT_CHARACTERS),
    request_id: context.get("request_id"),
  };
}
