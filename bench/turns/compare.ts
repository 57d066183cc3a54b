// The comparison that `npm run bench` makes: prepares what the servers are made of, runs the rounds, formats them.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { bundleWorker } from "../processes/bundle.ts";
import { startWatch } from "../processes/foreign-load.ts";
import { startProgram } from "../processes/programs.ts";
import type { RunResult } from "../results.ts";
import { startDatabase } from "../targets/d1.ts";
import type { Parts } from "../targets/servers.ts";
import { type TargetName, targetNames } from "../targets/targets.ts";
import { drawComparison } from "./chart.ts";
import { type Round, runRounds } from "./rounds.ts";
import { rows, valuesOf } from "./rows.ts";
import { scenarios } from "./scenarios.ts";
import { formatDisturbance, formatTable } from "./table.ts";

export interface Choice {
  /** Leaves out what takes long. */
  short: boolean;
  /** Adds the other agent servers. */
  peers: boolean;
  /** Targets, beside the model itself; null means all. */
  only: string[] | null;
  /** Titles' beginnings; null means all. */
  scenarios: string[] | null;
  rounds: number;
}

const root = join(import.meta.dirname, "../..");

export async function compareTurns(choice: Choice, folder: string): Promise<RunResult> {
  const targets = chooseTargets(choice);
  const parts = await prepare(folder, targets);
  const { program: client } = await startProgram("load/load.ts", 1);
  const stage = { parts, client, watch: await startWatch(), targets, folder };
  const chosen = scenarios.filter(
    ({ title, long }) =>
      !(long && choice.short) && (choice.scenarios?.some((beginning) => title.startsWith(beginning)) ?? true),
  );
  const rounds = await runRounds(stage, chosen, choice.rounds);
  const charts: Record<string, string> = choice.peers ? { "comparison.svg": drawComparison(rounds) } : {};
  return { name: choice.peers ? "peers" : "turns", markdown: describe(rounds, targets), charts, figures: { rounds } };
}

function describe(rounds: Round[], targets: TargetName[]): string {
  const servers = targets.filter((name) => name !== "direct" && name !== "ag-ui");
  const tables = [formatTable(rounds, rows, servers, "taskloom", "loop")];
  if (targets.includes("ag-ui")) {
    const both = rows.filter((row) => valuesOf(rounds, row, "ag-ui").some((value) => value !== null));
    tables.push(formatTable(rounds, both, ["taskloom", "ag-ui"], "ag-ui", "taskloom"));
  }
  return [...tables, formatDisturbance(rounds)].join("\n\n");
}

function chooseTargets({ short, peers, only }: Choice): TargetName[] {
  const isPeer = (name: TargetName): boolean => name === "node" || name === "agents";
  return targetNames.filter((name) => {
    if (name === "direct") return true;
    if (name === "ag-ui" && short) return false;
    return (peers || !isPeer(name)) && (only?.includes(name) ?? true);
  });
}

async function prepare(folder: string, targets: TargetName[]): Promise<Parts> {
  const hasPeers = targets.includes("node") || targets.includes("agents");
  if (hasPeers) await installPeers();
  const chat_agent = targets.includes("agents")
    ? await bundleWorker("bench/peers/chat-agent.ts", join(folder, "chat-agent"), {
        config: "bench/peers/wrangler.toml",
      })
    : null;
  const product = await bundleWorker("src/index.ts", join(folder, "product"));
  const { said } = await startProgram("load/model.ts", 1);
  const d1 = await startDatabase(root, join(folder, "d1"));
  return { model: `http://127.0.0.1:${said.port}`, d1: d1.url, product, chat_agent, folder };
}

/** In a folder of their own: nothing else in the repository needs them. */
function installPeers(): Promise<void> {
  const child = spawn("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: join(root, "bench/peers"),
    stdio: ["ignore", 2, 2],
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error("the peers could not be installed"))));
  });
}
