// Holds users to the quotas of what they have by the thousand: threads, projects, stored bytes. D1 is asked some times
// an hour, and what was admitted since is added. So a user who makes things through many isolates at once may get some
// minutes' worth more, and nobody waits for D1 but the first in an isolate, and users who have used up half of their
// room. Only a user whose room is used up is asked about: does the thread exist?
import { configOf, type Env } from "../../config.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import { putNewest } from "../../lib/memory/newest.ts";
import { withinTime } from "../../lib/time-limit.ts";
import type { Failure } from "../../protocol/error.ts";
import { exceeded, type LimitName, quotaOf } from "../../protocol/money/quotas.ts";
import type { RunInput, ThreadKey } from "../../protocol/thread.ts";
import { countStock, measureBytes, type Stock } from "../../store/quotas/stock.ts";
import { isKnownThread } from "../../store/threads.ts";
import { clock } from "../../thread/ports.ts";

const COUNTED_MS = 10 * 60_000;
/** A user without room may have deleted something. */
const ASKED_AGAIN_MS = 5_000;
/** D1 hears of a thread within two seconds. */
const ON_THE_WAY_MS = 5_000;
/** Reads a row for each message. */
const MEASURED_MS = 3_600_000;
/** With less than half of the room left. */
const MEASURED_NEAR_MS = 10 * 60_000;
const D1_LIMIT_MS = 1_000;
const MAX_USERS = 5_000;
const MAX_THREADS = 20_000;

interface Held extends Stock {
  asked_at: number;
  /**
   * The last question. Whoever waits for it needs a limit: if the request that asks is cancelled, this never resolves.
   */
  asked: Promise<void>;
  is_asking: boolean;
  /** Whether D1 has ever been asked, and has answered or failed. */
  is_known: boolean;
  /** When what D1 has not heard of was admitted. */
  made: Record<"threads" | "projects", number[]>;
  bytes: number;
  measured_at: number;
}

const kinds = ["threads", "projects"] as const;

interface Memory {
  users: Map<string, Held>;
  /** Threads that are there. */
  threads: Map<string, true>;
}

const known = new WeakMap<Env, Memory>();

export interface Wanted {
  /** The thread in which something begins: it is new unless it is there. */
  thread_id?: string;
  /** Whether a project is made, for the thread if one is named. */
  makes_project?: boolean;
  /** What will be stored at least. Leave it out if nothing is. */
  bytes?: number;
}

/** What a run that starts brings, about. An AG-UI client sends its whole history; the next measure corrects that. */
export function sizeOfInput({ messages, tool_results }: Pick<RunInput, "messages" | "tool_results">): number {
  const sizes = [...messages, ...tool_results].map(({ content }) =>
    typeof content === "string" ? content.length : JSON.stringify(content).length,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** `giveBack`: call this if nothing was made, or what was refused would fill the count until D1 is asked again. */
export type Admission = { refusal: Failure } | { refusal: null; giveBack(): void };

/**
 * Counts what is about to be made, or returns the refusal. Call it before anything is asked of the thread. `later`
 * receives what is done after the answer; without it, it is waited for.
 */
export async function admitStock(
  env: Env,
  user_id: string,
  { thread_id, makes_project = false, bytes }: Wanted,
  later?: (work: Promise<void>) => void,
  now = Date.now(),
): Promise<Admission> {
  const held = await read(env, user_id, now, later);
  if (bytes !== undefined) {
    const measured = measure(env, user_id, held, now);
    if (later) later(measured);
    else await measured;
    const limit = limitOf(env, held, "stored_bytes");
    if (held.bytes >= limit) return { refusal: exceeded("stored_bytes", limit) };
  }
  const places = await takePlaces(env, { user_id, thread_id, makes_project }, held, now);
  if (places.refusal !== null) return places;
  held.bytes += bytes ?? 0;
  const giveBack = () => {
    places.giveBack();
    held.bytes -= bytes ?? 0;
  };
  return { refusal: null, giveBack };
}

async function takePlaces(
  env: Env,
  { user_id, thread_id, makes_project }: { user_id: string; thread_id: string | undefined; makes_project: boolean },
  held: Held,
  now: number,
): Promise<Admission> {
  const { threads } = memoryOf(env);
  const name = `${user_id}/${thread_id}`;
  if (thread_id !== undefined && threads.has(name)) return { refusal: null, giveBack: () => {} };
  const wanted = [
    ...(thread_id === undefined ? [] : ["threads" as const]),
    ...(makes_project ? ["projects" as const] : []),
  ];
  let full = take(env, held, wanted, now);
  let taken = full === null ? wanted : [];
  if (full !== null && thread_id !== undefined && (await isThere(env, { user_id, thread_id }))) full = null;
  else if (full !== null && since(held.asked_at, now) >= ASKED_AGAIN_MS) {
    await ask(env, user_id, held, now);
    full = take(env, held, wanted, now);
    taken = wanted;
  }
  if (full !== null) return { refusal: full };
  if (thread_id !== undefined) putNewest(threads, name, true, MAX_THREADS);
  const giveBack = () => {
    threads.delete(name);
    for (const kind of taken) forgetMade(held.made[kind], now);
  };
  return { refusal: null, giveBack };
}

/** Nothing, if D1 was asked since then and left it out. */
function forgetMade(made: number[], at: number): void {
  const place = made.indexOf(at);
  if (place >= 0) made.splice(place, 1);
}

async function isThere(env: Env, key: ThreadKey): Promise<boolean> {
  return await isKnownThread(env.DB, key).catch(() => true);
}

/** What the user has, as far as this isolate knows. Null if it was not measured. */
export async function readStock(
  env: Env,
  user_id: string,
  now = Date.now(),
): Promise<{ threads: number; projects: number; stored_bytes: number | null }> {
  const { threads, projects, made, bytes, measured_at } = await read(env, user_id, now);
  return {
    threads: threads + made.threads.length,
    projects: projects + made.projects.length,
    stored_bytes: Number.isFinite(measured_at) ? bytes : null,
  };
}

function take(env: Env, held: Held, wanted: ("threads" | "projects")[], now: number): Failure | null {
  for (const kind of wanted) {
    const limit = limitOf(env, held, kind);
    if (held[kind] + held.made[kind].length >= limit) return exceeded(kind, limit);
  }
  for (const kind of wanted) held.made[kind].push(now);
  return null;
}

/** The clock may have been set back. */
function since(at: number, now: number): number {
  return Math.abs(now - at);
}

function limitOf(env: Env, held: Held, name: LimitName): number {
  return quotaOf(configOf(env), held.quotas, name);
}

/** One question for all who ask at once. An old count serves until the next is there, with room enough. */
async function read(env: Env, user_id: string, now: number, later?: (work: Promise<void>) => void): Promise<Held> {
  const { users } = memoryOf(env);
  const held = users.get(user_id) ?? newHeld();
  putNewest(users, user_id, held, MAX_USERS);
  const isLost = held.is_asking && since(held.asked_at, now) >= D1_LIMIT_MS;
  if (isLost || since(held.asked_at, now) >= COUNTED_MS) {
    held.asked = ask(env, user_id, held, now);
    later?.(held.asked);
  }
  const isWaiting = held.is_asking && !(held.is_known && later !== undefined && hasRoom(env, held));
  if (isWaiting) await withinTime(clock, D1_LIMIT_MS, "D1", held.asked).catch(() => undefined);
  return held;
}

function newHeld(): Held {
  const never = Number.NEGATIVE_INFINITY;
  return {
    ...{ threads: 0, projects: 0, quotas: null, bytes: 0, made: { threads: [], projects: [] } },
    ...{ asked_at: never, measured_at: never, asked: Promise.resolve(), is_asking: false, is_known: false },
  };
}

/** Whether the user has used less than half of the room. */
function hasRoom(env: Env, held: Held): boolean {
  return kinds.every((kind) => held[kind] + held.made[kind].length < limitOf(env, held, kind) / 2);
}

/** While D1 fails nobody is kept out by what is not known. Never rejects. */
async function ask(env: Env, user_id: string, held: Held, now: number): Promise<void> {
  held.asked_at = now;
  held.is_asking = true;
  const most = Math.max(limitOf(env, held, "threads"), limitOf(env, held, "projects"));
  try {
    Object.assign(held, await withinTime(clock, D1_LIMIT_MS, "D1", countStock(env.DB, user_id, most)));
    for (const kind of kinds) {
      held.made[kind] = held.made[kind].filter((at) => since(at, now) < ON_THE_WAY_MS);
    }
  } catch (error) {
    logWarning("stock_unknown", { user_id, error: describeError(error) });
  }
  held.is_asking = false;
  held.is_known = true;
}

async function measure(env: Env, user_id: string, held: Held, now: number): Promise<void> {
  const isNear = held.bytes > limitOf(env, held, "stored_bytes") / 2;
  if (since(held.measured_at, now) < (isNear ? MEASURED_NEAR_MS : MEASURED_MS)) return;
  held.measured_at = now;
  const before = held.bytes;
  try {
    const measured = await measureBytes(env.DB, user_id);
    // What came in meanwhile stays counted.
    held.bytes += measured - before;
  } catch (error) {
    logWarning("stock_unknown", { user_id, error: describeError(error) });
  }
}

function memoryOf(env: Env): Memory {
  const memory = known.get(env) ?? { users: new Map(), threads: new Map() };
  known.set(env, memory);
  return memory;
}
