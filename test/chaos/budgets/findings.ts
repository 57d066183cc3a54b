// What a campaign found, and the table that tells it.
import type { Violation } from "./checks.ts";

export interface BudgetFindings {
  kills: number;
  /** Whether the deployment had caps. */
  isCapped: boolean;
  runs: number;
  /** How runs ended: by status and code. */
  ends: Map<string, number>;
  /** Runs that called the model and lost nothing: what they are charged is what was counted, to the token. */
  exact: number;
  /** How the model's calls ended. */
  calls: Map<string, number>;
  /** Calls that asked for a summary. */
  summaries: number;
  estimated_tokens: number;
  counted_tokens: number;
  /** How often D1 was away or late. */
  outages: number;
  /** What webhooks were told of caps. */
  events: number;
  violations: Violation[];
}

export function noFindings(isCapped: boolean): BudgetFindings {
  return {
    ...{ isCapped, kills: 0, runs: 0, exact: 0, summaries: 0, estimated_tokens: 0, counted_tokens: 0, violations: [] },
    ...{ outages: 0, events: 0 },
    ...{ ends: new Map(), calls: new Map() },
  };
}

export function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

export function formatBudgetFindings(findings: BudgetFindings): string {
  const { kills, runs, ends, calls, counted_tokens, estimated_tokens, violations } = findings;
  const list = (counts: Map<string, number>) => Array.from(counts, ([name, count]) => `${name} ${count}`).join(", ");
  const rows: [string, string | number][] = [
    ["kills", `${kills}, ${findings.isCapped ? "with" : "without"} caps of the deployment`],
    ["runs", runs],
    ["ends", list(ends)],
    ["runs charged exactly what was counted", findings.exact],
    ["calls of the model", `${list(calls)}; ${findings.summaries} for summaries`],
    ["tokens charged, estimated among them", `${counted_tokens}, ${estimated_tokens}`],
    ["D1 away or late, events of caps", `${findings.outages}, ${findings.events}`],
    ["violations", violations.length],
  ];
  const table = ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
  return [...table, ...violations.map(({ where, what }) => `${where}: ${what}`)].join("\n");
}
