// Which looks a list of checks needs: equal ones share one.
import type { CheckInput } from "../../../protocol/plan/check.ts";
import type { WantedCheck } from "../runner.ts";

export interface Job {
  /** Equal for checks that are the same. */
  key: string;
  spec: CheckInput;
  wanted: WantedCheck[];
  /** It only looks, so others may look at the same time. */
  is_quick: boolean;
}

export function listJobs(wanted: readonly WantedCheck[], keyOf: (spec: CheckInput) => string): Job[] {
  const jobs = new Map<string, Job>();
  for (const each of wanted) {
    const { spec } = each.check;
    const key = keyOf(spec);
    const job = jobs.get(key);
    if (job === undefined) jobs.set(key, { key, spec, wanted: [each], is_quick: isQuick(spec) });
    else job.wanted.push(each);
  }
  return [...jobs.values()];
}

/** Those that only look. All of one public address are together: it is asked once for them. */
export function groupQuick(jobs: readonly Job[]): Job[][] {
  const groups = new Map<string | Job, Job[]>();
  for (const job of jobs.filter(({ is_quick }) => is_quick)) {
    const name = addressOf(job.spec) ?? job;
    groups.set(name, [...(groups.get(name) ?? []), job]);
  }
  return [...groups.values()];
}

export function addressOf(spec: CheckInput): string | undefined {
  return spec.type === "http" ? spec.url : undefined;
}

function isQuick(spec: CheckInput): boolean {
  return spec.type !== "command" && !(spec.type === "http" && spec.start !== undefined);
}
