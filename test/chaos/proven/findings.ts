// What a campaign of kills during checks found, and the table that shows it.

export interface ProofFindings {
  kills: number;
  /** How many runs kills have met, by where: a kill meets all runs at work. */
  met: { task: number; end: number; elsewhere: number; over: number };
  /** Kills that met no run at work. */
  idle: number;
  runs: number;
  /** Runs that were compared at their end. */
  over: number;
  receipts: number;
  /** Starts of checks' commands that have left a mark. */
  commands: number;
  maxKills: number;
  violations: string[];
}

export function noFindings(): ProofFindings {
  const met = { task: 0, end: 0, elsewhere: 0, over: 0 };
  return { ...{ kills: 0, met, idle: 0, runs: 0, over: 0 }, receipts: 0, commands: 0, maxKills: 0, violations: [] };
}

export function formatProofFindings(findings: ProofFindings): string {
  const { kills, met, idle, runs, over, receipts, commands, maxKills, violations } = findings;
  const rows: [string, string | number][] = [
    ["kills", kills],
    ["runs met while checks of a task ran", met.task],
    ["runs met at their end, with checks that run again", met.end],
    ["runs met elsewhere", met.elsewhere],
    ["kills that met no run", idle],
    ["runs, compared at their end", `${runs}, ${over}`],
    ["most kills under one run", maxKills],
    ["receipts, commands of checks that ran", `${receipts}, ${commands}`],
    ["violations", violations.length],
  ];
  const table = ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
  return [...table, ...violations.map((what) => what.slice(0, 1_000))].join("\n");
}
