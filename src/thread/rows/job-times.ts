// When the jobs of background runs were last sent, and how often. A job that comes at once leaves no row: only what the
// alarm sends again is stored, and runs that wait no more are left out the next time.
import { isRecord } from "../../lib/is-record.ts";
import { isNumber, type Shape } from "../../store/shapes/stored.ts";
import type { Life } from "../life.ts";
import { readMeta, type Sql, writeMeta } from "./database.ts";
import type { RunRecord } from "./runs.ts";

type JobTimes = Life["jobs"];

const toTimes: Shape<Record<string, { at: number; times: number }>> = (value) =>
  isRecord(value) && Object.values(value).every((sent) => isRecord(sent) && isNumber(sent.at) && isNumber(sent.times))
    ? (value as Record<string, { at: number; times: number }>)
    : undefined;

/** A clock that was ahead when a time was stored must not hold a job back. */
export function readJobs(sql: Sql, live: ReadonlyMap<string, RunRecord>, now: number): JobTimes {
  const stored = Object.entries(readMeta(sql, "jobs_sent", toTimes) ?? {}).filter(([id]) => live.has(id));
  return new Map(stored.map(([id, { at, times }]) => [id, { at: Math.min(at, now), times }]));
}

/** Inside a transaction. */
export function writeJobs({ database, live, jobs }: Life): void {
  const kept = [...jobs].filter(([id]) => live.get(id)?.startable === false);
  writeMeta(database.sql, "jobs_sent", Object.fromEntries(kept));
}
