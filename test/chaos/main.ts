// `npm run chaos`: kills the runtime again and again under runs that must not be affected. Flags after `--`: `--kills
// 300`, `--seed N` (printed; the same seed aims at the same moments), `--runs 3` (in parallel).
//
// `--budgets` kills it under users who spend under caps instead (see `budgets/campaign.ts`). `--keep FOLDER` keeps the
// runtime's disk as it was at each kill where something was found.
//
// `--checks` kills it during checks of tasks (see `proven/campaign.ts`).
//
// `--remote URL` checks a deployed Worker instead, without kills (see `remote.ts`), with `--idle-seconds 150` and,
// where someone deploys during a run of `--work-seconds 540`, `--deploy`. Its key is TASKLOOM_API_KEY.
import { parseArgs } from "node:util";
import { endWithReader } from "../../dev/reader.ts";
import { runBudgetCampaign } from "./budgets/campaign.ts";
import { formatBudgetFindings } from "./budgets/findings.ts";
import { runCampaign } from "./campaign.ts";
import { runProofCampaign } from "./proven/campaign.ts";
import { formatProofFindings } from "./proven/findings.ts";
import { checkRemote } from "./remote.ts";
import { formatFindings, formatKill } from "./table.ts";

endWithReader();
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}

const { values: flags } = parseArgs({
  options: {
    kills: { type: "string", default: "300" },
    seed: { type: "string", default: String(1 + (Date.now() % 1_000_000)) },
    runs: { type: "string" },
    budgets: { type: "boolean", default: false },
    checks: { type: "boolean", default: false },
    keep: { type: "string" },
    remote: { type: "string" },
    "idle-seconds": { type: "string", default: "150" },
    deploy: { type: "boolean", default: false },
    // A deploy waits up to five minutes for a working life to finish.
    "work-seconds": { type: "string", default: "540" },
  },
});

function readNumber(name: "kills" | "seed" | "runs" | "idle-seconds" | "work-seconds", usual?: number): number {
  if (flags[name] === undefined && usual !== undefined) return usual;
  const value = Number(flags[name]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number of at least 1`);
  return value;
}

async function kill(): Promise<boolean> {
  const seed = readNumber("seed");
  console.log(`seed ${seed}`);
  const findings = await runCampaign({
    kills: readNumber("kills"),
    seed,
    runsAtOnce: readNumber("runs", 3),
    background: 0.2,
    anyMoment: 0.35,
    enough: Number.POSITIVE_INFINITY,
    hasty: 0.15,
    late: 0.2,
    quietEvery: 60,
    onKill: (each) => console.log(formatKill(each)),
    signal: stop.signal,
  });
  console.log(`\n${formatFindings(findings)}`);
  return findings.violations.length === 0;
}

async function killSpenders(): Promise<boolean> {
  const seed = readNumber("seed");
  console.log(`seed ${seed}`);
  const findings = await runBudgetCampaign({
    kills: readNumber("kills"),
    seed,
    runsAtOnce: readNumber("runs", 2),
    keep: flags.keep,
    onKill: (line) => console.log(line),
    signal: stop.signal,
  });
  console.log(`\n${formatBudgetFindings(findings)}`);
  return findings.violations.length === 0;
}

async function killAmidChecks(): Promise<boolean> {
  const seed = readNumber("seed");
  console.log(`seed ${seed}`);
  const findings = await runProofCampaign({
    kills: readNumber("kills"),
    seed,
    runsAtOnce: readNumber("runs", 3),
    onKill: (line) => console.log(line),
    signal: stop.signal,
  });
  console.log(`\n${formatProofFindings(findings)}`);
  return findings.violations.length === 0;
}

function check(url: string): Promise<boolean> {
  const key = process.env.TASKLOOM_API_KEY ?? "";
  if (key === "") throw new Error("set TASKLOOM_API_KEY to a key of that server");
  const options = {
    url,
    key,
    runs: readNumber("runs", 10),
    idle_seconds: readNumber("idle-seconds"),
    deploy: flags.deploy,
    work_seconds: readNumber("work-seconds"),
    signal: stop.signal,
  };
  return checkRemote(options, (line) => console.log(line));
}

try {
  process.exitCode = (await (flags.remote !== undefined
    ? check(flags.remote)
    : flags.budgets
      ? killSpenders()
      : flags.checks
        ? killAmidChecks()
        : kill()))
    ? 0
    : 1;
} catch (error) {
  const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
  console.error(reason instanceof Error ? reason.message : reason);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
