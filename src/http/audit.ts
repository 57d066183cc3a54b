// Records what a request does in the audit. The entry is written first, and nothing is done without one. Its outcome
// follows, also if the client has gone: whoever cuts the connection does not escape the record.
import { isRecord } from "../lib/is-record.ts";
import { logError } from "../lib/log.ts";
import { putNewest } from "../lib/memory/newest.ts";
import { withinTime } from "../lib/time-limit.ts";
import { type ProblemCode, problems } from "../protocol/error.ts";
import type { AuditAction, AuditEntry, AuditSource } from "../protocol/people/audit.ts";
import { type AuditEnd, closeAuditEntries, openAuditEntries } from "../store/people/audit.ts";
import { isDatabaseFull } from "../store/server/full.ts";
import { clock } from "../thread/ports.ts";
import type { AppContext, Caller } from "./context.ts";
import { Problem } from "./errors.ts";
import { networkOf } from "./guesses.ts";

/** Longer ones are cut: the rest does not show who it was. */
const USER_AGENT_CHARACTERS = 200;
/** The longest form of an IPv6 address has 45. */
const ADDRESS_CHARACTERS = 64;
/** An id has 64 at most, a git host 253. */
const TARGET_CHARACTERS = 300;

/** The caller waits this long for the entry. What is written later stays without an outcome. */
const ENTRY_LIMIT_MS = 10_000;

/** What one key may try that is refused or does nothing, or is under way at once. People and scripts stay far below. */
const MAX_REFUSALS = 300;
/** An attacker with a key writes one entry in this time for nothing: 43,200 a day in each isolate. */
const REFUSAL_REGAINED_MS = 2_000;
/** Beyond this number the oldest starts anew. */
const MAX_KEYS = 2_000;

type Details = AuditEntry["details"];

export interface AuditedAct {
  action: AuditAction;
  /** Whose account it is about, if not the caller's. */
  user_id?: string | null;
  target?: string | null;
  details?: Details;
  /** Who acts, if not the caller. */
  by?: { user_id: string | null; key_id: string | null };
  /** From where, if not from where the request comes. */
  source?: AuditSource;
}

/** What the work learns about itself, such as the id of what it made. */
export interface AuditNotes {
  target?: string | null;
  /** Added to those of the act. */
  details?: Details;
  /** The work returns a failure with this code, instead of throwing it. */
  refused?: ProblemCode;
  /** There was nothing to do. It counts like a refusal, since it can be repeated for ever. */
  is_idle?: boolean;
}

/** Does the work between the entry and its outcome. A `Problem` that it throws is recorded as a refusal. */
export function audited<T>(
  context: AppContext,
  act: AuditedAct,
  work: (notes: AuditNotes) => Promise<T> | T,
): Promise<T> {
  return auditedTogether(context, [act], work);
}

/** The same for several acts that happen together or not at all. */
export async function auditedTogether<T>(
  context: AppContext,
  acts: AuditedAct[],
  work: (notes: AuditNotes) => Promise<T> | T,
): Promise<T> {
  const { DB } = context.env;
  const giveBack = takeRefusals(context, acts);
  const record = async (): Promise<T> => {
    const opened = await openEntries(context, acts).catch((error: unknown) => {
      giveBack();
      throw error;
    });
    const notes: AuditNotes = {};
    const close = (outcome: AuditEnd["outcome"], code?: ProblemCode) => {
      const { target, details } = notes;
      const ends = opened.map((entry, place) => ({
        ...entry,
        outcome,
        ...(target === undefined ? {} : { target: clean(target, TARGET_CHARACTERS) }),
        details: { ...acts[place]?.details, ...details, ...(code && { code }) },
      }));
      const ids = { entry_id: opened[0]?.entry_id ?? "", entries: opened.length };
      return closeAuditEntries(DB, ends).catch((error: unknown) => logError("audit_left_open", error, ids));
    };
    try {
      const done = await work(notes);
      if (notes.refused === undefined && !notes.is_idle) giveBack();
      if (notes.refused === undefined) await close("done");
      else if (isRefusal(notes.refused)) await close("refused", notes.refused);
      return done;
    } catch (error) {
      if (error instanceof Problem && isRefusal(error.failure.code)) await close("refused", error.failure.code);
      throw error;
    }
  };
  const recording = record();
  context.executionCtx.waitUntil(recording.catch(() => {}));
  return await recording;
}

async function openEntries(context: AppContext, acts: AuditedAct[]) {
  // Not set where nobody has signed in yet.
  const caller = context.get("caller") as Caller | undefined;
  const entries = acts.map(({ action, user_id, target = null, details = {}, by = caller, source }) => ({
    user_id: user_id === undefined ? (by?.user_id ?? null) : user_id,
    actor_id: by?.user_id ?? null,
    key_id: by?.key_id ?? null,
    action,
    target: clean(target, TARGET_CHARACTERS),
    source: source ?? sourceOf(context),
    details,
  }));
  try {
    return await withinTime(clock, ENTRY_LIMIT_MS, "D1", openAuditEntries(context.env.DB, entries, Date.now()));
  } catch (error) {
    if (isDatabaseFull(error)) throw error;
    logError("audit_failed", error, { request_id: context.get("request_id"), action: acts[0]?.action ?? "" });
    throw new Problem("internal", "Nothing was done, because the audit could not be written. Try again.");
  }
}

/** Whether nothing was done. What failed here, or at a sandbox, may have happened or not: it gets no outcome. */
function isRefusal(code: ProblemCode): boolean {
  return problems[code].status < 500 || code === "not_configured";
}

export function sourceOf(context: AppContext): AuditSource {
  const read = (name: string, characters: number) => clean(context.req.header(name) ?? null, characters);
  return {
    type: "http",
    // Cloudflare's network sets it whatever a client sends, and so does the server under `npm start`.
    address: read("cf-connecting-ip", ADDRESS_CHARACTERS),
    user_agent: read("user-agent", USER_AGENT_CHARACTERS),
    request_id: context.get("request_id"),
  };
}

/** Control and format characters could write into the terminal or turn around the line of whoever reads the entry. */
function clean(text: string | null, characters: number): string | null {
  return text === null ? null : text.slice(0, characters).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

/** How an operation is audited: `action`, or with details from what it was given. */
export type OperationAudit<Input> = AuditAction | { action: AuditAction; details: (input: Input) => Details };

/** The name that the id of an action's target has, in paths, bodies and answers. */
const targetNames: Record<string, string> = {
  session: "session_id",
  user: "user_id",
  api_key: "key_id",
  git_credential: "host",
  sandbox_secret: "name",
  trigger: "trigger_id",
  webhook: "webhook_id",
  preview: "port",
  ssh_access: "project_id",
  slack_workspace: "team_id",
  checks: "thread_id",
};

/**
 * Audits an operation. The target is what the path names, or what the answer does. Another user in the path is whom it
 * is about. The details have the rest of the path, and which fields a PATCH changes.
 */
export async function auditOperation<Input extends { params: unknown; body: unknown }>(
  context: AppContext,
  audit: OperationAudit<Input>,
  input: Input,
  handle: () => Promise<Response> | Response,
): Promise<Response> {
  const { action, details } = typeof audit === "string" ? { action: audit, details: null } : audit;
  const name = targetNames[action.split(".")[0] ?? ""] ?? "";
  const [params, body] = [input.params, input.body].map((value) => (isRecord(value) ? value : {})) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  const about = typeof params.user_id === "string" ? { user_id: params.user_id } : {};
  const others = Object.entries(params).filter(([key]) => key !== name && key !== "user_id");
  const changed: Details = context.req.method === "PATCH" ? { fields: Object.keys(body).sort().join(", ") } : {};
  const act = {
    action,
    ...about,
    target: toText(params[name] ?? body[name]),
    details: {
      ...Object.fromEntries(others.map(([key, value]) => [key, toText(value)])),
      ...changed,
      ...details?.(input),
    },
  };
  return await audited(context, act, async (notes) => {
    const response = await handle();
    if (!(name in params) && response.headers.get("content-type")?.includes("json")) {
      const answer: unknown = await response.clone().json();
      if (isRecord(answer) && toText(answer[name]) !== null) notes.target = toText(answer[name]);
    }
    return response;
  });
}

function toText(value: unknown): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

/**
 * Null for what is always let through: a key that ends itself succeeds once, so whoever floods with a key can't keep
 * its owner from ending it. Others are not counted together, or one would keep another from acting.
 */
function refusalKeyOf(context: AppContext, act: AuditedAct): string | null {
  const { by, source } = act;
  if (source?.type === "slack") return `in ${source.team_id} ${source.slack_user_id}`;
  const caller = context.get("caller") as Caller | undefined;
  if (by === undefined && caller === undefined)
    return `at ${networkOf((context.req.header("cf-connecting-ip") ?? "").slice(0, ADDRESS_CHARACTERS))}`;
  if (by === undefined && caller !== undefined && isOwnEnd(act, caller)) return null;
  return (by === undefined ? caller?.key_id : by.key_id) ?? null;
}

/** Not whatever names the key's id: a webhook of that id, or the user's key of another user, is refused each time. */
function isOwnEnd({ action, target, user_id }: AuditedAct, caller: Caller): boolean {
  const ending = { key: "api_key.delete", session: "session.delete", admin_key: null }[caller.kind];
  return action === ending && target === caller.key_id && (user_id ?? caller.user_id) === caller.user_id;
}

/**
 * Counts the acts as refused until they are known to be done: otherwise as many could be under way at once as somebody
 * sends. Returns what gives that back. Throws 429 if too many were refused.
 */
function takeRefusals(context: AppContext, acts: AuditedAct[]): () => void {
  const keys = acts.map((act) => refusalKeyOf(context, act)).filter((key) => key !== null);
  const wait_ms = Math.max(0, ...keys.map((key) => refusals.waitFor(key)));
  if (wait_ms > 0) {
    const wait_s = Math.ceil(wait_ms / 1000);
    throw new Problem("rate_limited", "Too many of your requests were refused. Try again later.", false, wait_s);
  }
  for (const key of keys) refusals.take(key);
  return () => {
    for (const key of keys) refusals.giveBack(key);
  };
}

/** Counts refused acts of a key. Entries are kept for months, and refused acts cost whoever makes them nothing. */
function createRefusals(now: () => number = Date.now) {
  /** When all is regained: the later, the more was refused. */
  const regained = new Map<string, number>();
  return {
    waitFor(key: string): number {
      const free = (regained.get(key) ?? 0) - (MAX_REFUSALS - 1) * REFUSAL_REGAINED_MS;
      return Math.max(0, free - now());
    },
    take(key: string): void {
      const at = Math.max(regained.get(key) ?? 0, now()) + REFUSAL_REGAINED_MS;
      putNewest(regained, key, at, MAX_KEYS);
    },
    giveBack(key: string): void {
      const at = regained.get(key);
      if (at !== undefined) regained.set(key, at - REFUSAL_REGAINED_MS);
    },
  };
}

const refusals = createRefusals();
