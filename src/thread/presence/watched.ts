// Which runs somebody watches that are to be cancelled once nobody does (`on_disconnect: "cancel"`), and since when
// nobody has. It is stored, since the life may end together with its readers, and then nobody else would know that they
// have not come back. Runs that continue write nothing here.
import { isRecord } from "../../lib/is-record.ts";
import { isTerminal } from "../../protocol/run.ts";
import { isNumber, type Shape } from "../../store/shapes/stored.ts";
import type { Life } from "../life.ts";
import { readMeta, type Sql, writeMeta } from "../rows/database.ts";
import type { RunRecord } from "../rows/runs.ts";

/** By run: when it is to be cancelled; null while somebody watches it. A run that nobody has watched yet is missing. */
export type Watched = Life["watched"];

/** A client that reconnects by itself does so within a second or two. */
export const LEFT_MS = 5_000;
// The server has cut the readers of a former life, and clients that find it away wait longer each time.
const RETURN_MS = 30_000;

const toWatched: Shape<Record<string, number | null>> = (value) =>
  isRecord(value) && Object.values(value).every((at) => at === null || isNumber(at))
    ? (value as Record<string, number | null>)
    : undefined;

/** What a former life left. Its readers get time to come back. */
export function readWatched(sql: Sql, live: ReadonlyMap<string, RunRecord>, now: number): Watched {
  const stored = Object.entries(readMeta(sql, "watched", toWatched) ?? {}).filter(([id]) => live.has(id));
  return new Map(stored.map(([id, at]) => [id, at === null ? now + RETURN_MS : Math.max(at, now + LEFT_MS)]));
}

/** Stores the changes, and forgets runs that are over. Inside a transaction. */
export function writeWatched(life: Life, changes: Watched): void {
  const kept = [...life.watched, ...changes].filter(([id]) => life.live.has(id));
  life.watched = new Map(kept);
  writeMeta(life.database.sql, "watched", Object.fromEntries(life.watched));
}

/**
 * Whether the run is cancelled once its readers have left. An agent's setting does not count for a background run,
 * which is meant to continue alone. A run that a mirror shows has readers there.
 */
export function endsWhenLeft({ followers }: Life, { run, input, agent, requested_end }: RunRecord): boolean {
  if (input === null || isTerminal(run.status) || requested_end !== null) return false;
  const usual = input.background ? "continue" : agent.config.on_disconnect;
  return (input.on_disconnect ?? usual) === "cancel" && !followers.has(run.invocation_id);
}

/** When runs are to be cancelled unless somebody comes back. */
export function leaveTimes(life: Life): number[] {
  return [...life.watched].flatMap(([id, at]) => {
    const record = life.live.get(id);
    const isLeft = at !== null && record !== undefined && endsWhenLeft(life, record) && !life.readers.watches(id);
    return isLeft ? [at] : [];
  });
}
