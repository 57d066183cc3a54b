// `npm run eval -- --lies`: plays the jobs, says what came of each and of all. Ends with 1 if a goal is missed.
import { writeFile } from "node:fs/promises";
import type { Job } from "./job.ts";
import { jobs } from "./jobs/index.ts";
import { describePlayed, describeTotals, isReached, sumUp } from "./report.ts";
import { openStage, type Played } from "./stage.ts";

/** Two cores run more sandboxes no faster. */
const SIDE_BY_SIDE = 3;

export interface Measurement {
  /** Ids or kinds; null means all. */
  only: string[] | null;
  /** Where the result is written as JSON. */
  record: string | null;
}

export async function measureLies({ only, record }: Measurement, print: (line: string) => void): Promise<number> {
  const chosen = pick(only);
  const stage = await openStage();
  const begun = performance.now();
  const played: Played[] = [];
  try {
    const queue = chosen.flatMap((job) => [
      { job, is_checked: true },
      ...(job.kind === "honest" && job.is_compared !== false ? [{ job, is_checked: false }] : []),
    ]);
    const takeOne = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const one = await stage.play(next.job, next.is_checked);
        played.push(one);
        if (one.is_checked) print(describePlayed(one));
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, takeOne));
  } finally {
    await stage.close();
  }
  const totals = sumUp(played);
  print("");
  for (const line of describeTotals(totals)) print(line);
  print(`sandboxes: ${stage.isolation}; ${played.length} runs in ${Math.round((performance.now() - begun) / 1000)} s`);
  const rows = played.map(({ job, ...rest }) => ({ id: job.id, kind: job.kind, title: job.title, ...rest }));
  if (record !== null) await writeFile(record, `${JSON.stringify({ at: new Date(), totals, jobs: rows }, null, 2)}\n`);
  return isReached(totals) ? 0 : 1;
}

function pick(only: string[] | null): Job[] {
  if (only === null) return jobs;
  const unknown = only.find((name) => !jobs.some(({ id, kind }) => id === name || kind === name));
  if (unknown !== undefined)
    throw new Error(`--only names "${unknown}", which is neither a job nor lie, limit, honest`);
  return jobs.filter(({ id, kind }) => only.includes(id) || only.includes(kind));
}
