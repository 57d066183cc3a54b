// `npm run bench`: what a token, a turn and a tool step cost, compared with a Durable Object that only forwards the
// model's bytes, with a hand-written loop and, on request, with other agent servers; or how costs grow. Prints Markdown,
// and writes the figures and a chart to `dist/bench`. Flags: docs/performance.md.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureGrowth } from "./growth/growth.ts";
import { startProgram, stopAll } from "./processes/programs.ts";
import { describeMachine, saveRun } from "./results.ts";
import { API_KEY, measureSandboxes } from "./sandbox.ts";
import { compareTurns } from "./turns/compare.ts";
import { formatWeb, measureWeb } from "./web.ts";

const { values: flags } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    rounds: { type: "string" },
    only: { type: "string" },
    scenarios: { type: "string" },
    peers: { type: "boolean", default: false },
    growth: { type: "boolean", default: false },
    sandbox: { type: "boolean", default: false },
    web: { type: "boolean", default: false },
  },
});

const rounds = Number(flags.rounds ?? (flags.short ? 1 : 5));

async function mainOfSandboxes(): Promise<void> {
  const { said } = await startProgram("daytona.ts", 0, [API_KEY]);
  const figures = await measureSandboxes({ api_url: String(said.api_url), rounds });
  console.log(`\n${describeMachine()}; ${said.isolation}; rounds: ${rounds}\n\n${figures}`);
}

async function mainOfWeb(): Promise<void> {
  const figures = await measureWeb(rounds);
  console.log(`\n${describeMachine()}; rounds: ${rounds}\n\n${formatWeb(figures)}`);
}

async function mainOfTurns(folder: string): Promise<void> {
  const { short, only, scenarios, peers } = flags;
  const choice = { short, peers, only: only?.split(",") ?? null, scenarios: scenarios?.split(",") ?? null, rounds };
  await saveRun(await compareTurns(choice, folder));
}

/** Rounds are of the readers: the other sweeps repeat turns, not themselves. */
async function mainOfGrowth(folder: string): Promise<void> {
  await saveRun(await measureGrowth(flags.short, Number(flags.rounds ?? (flags.short ? 1 : 3)), folder));
}

process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

const folder = await mkdtemp(join(tmpdir(), "taskloom-bench-"));
try {
  await mkdir(join(import.meta.dirname, "../dist/web"), { recursive: true });
  if (flags.sandbox) await mainOfSandboxes();
  else if (flags.web) await mainOfWeb();
  else if (flags.growth) await mainOfGrowth(folder);
  else await mainOfTurns(folder);
} finally {
  await stopAll();
  await rm(folder, { recursive: true, force: true });
}
