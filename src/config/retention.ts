// How long threads are kept, and how large the database may become.
export interface RetentionSettings {
  /** After how many days without activity a thread is deleted; null keeps it. */
  retention_days: number | null;
  /** What D1 takes at most, in bytes. */
  database_limit: number;
  /** What is wrong with the two settings. */
  retention_problem: string | null;
}

/** Ten years, as for the audit. Whoever wants to keep threads for longer sets nothing. */
export const MAX_RETENTION_DAYS = 3_650;

/** Cloudflare's limit for a database on the paid plan, which can't be raised; it is 500 MB on the free one. */
const DEFAULT_LIMIT_MB = 10_000;
const MEGABYTE = 1_000_000;

/** A value that can't be read deletes nothing: what is deleted by mistake does not come back. */
export function readRetentionSettings(env: object): RetentionSettings {
  const given = new Map(Object.entries(env));
  const read = (name: string) => String(given.get(name) ?? "").trim();
  const days = readWhole(read("RETENTION_DAYS"), MAX_RETENTION_DAYS);
  const limit = readWhole(read("DATABASE_LIMIT_MB"), DEFAULT_LIMIT_MB);
  const wrong = [
    ...(days === "wrong" ? [`RETENTION_DAYS must be a whole number from 1 to ${MAX_RETENTION_DAYS}`] : []),
    ...(limit === "wrong" ? [`DATABASE_LIMIT_MB must be a whole number from 1 to ${DEFAULT_LIMIT_MB}`] : []),
  ];
  return {
    retention_days: days === "wrong" ? null : days,
    database_limit: (limit === "wrong" || limit === null ? DEFAULT_LIMIT_MB : limit) * MEGABYTE,
    retention_problem: wrong[0] ?? null,
  };
}

function readWhole(given: string, max: number): number | null | "wrong" {
  if (given === "") return null;
  const value = Number(given);
  return /^\d+$/.test(given) && value >= 1 && value <= max ? value : "wrong";
}
