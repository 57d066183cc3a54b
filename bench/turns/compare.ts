// The comparison that `npm run bench` makes: prepares what the servers are made of, runs the rounds, formats them.
import { join } from "node:path";
import { installPackages } from "../../scripts/install-packages.ts";
import { bundleWorker } from "../processes/bundle.ts";
import { startWatch } from "../processes/foreign-load.ts";
import { startProgram } from "../processes/programs.ts";
import { type RunResult, saveFigures } from "../results.ts";
import { startDatabase } from "../targets/d1.ts";
import type { Parts } from "../targets/servers.ts";
import { type TargetName, targetNames } from "../targets/targets.ts";
import { drawComparison } from "./chart.ts";
import { type Round, runRounds } from "./rounds.ts";
import { rows, valuesOf } from "./rows.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { BUSY, formatDisturbance, formatTable } from "./table.ts";

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
  const name = choice.peers ? "peers" : "turns";
  const targets = chooseTargets(choice);
  const chosen = chooseScenarios(choice);
  const parts = await prepare(folder, targets);
  const { program: client } = await startProgram("load/load.ts", 1);
  const onRound = (rounds: Round[]): Promise<void> => saveFigures(name, { rounds });
  const stage = { parts, client, database: parts.database, watch: await startWatch(), targets, folder, onRound };
  const rounds = await runRounds(stage, chosen, choice.rounds);
  const charts: Record<string, string> = choice.peers ? { "comparison.svg": drawComparison(rounds) } : {};
  return { name, markdown: describe(rounds, targets), charts, figures: { rounds } };
}

/** Throws if there are none. */
function chooseScenarios({ short, scenarios: beginnings }: Pick<Choice, "short" | "scenarios">): Scenario[] {
  const chosen = scenarios.filter(
    ({ title, long }) => !(long && short) && (beginnings?.some((beginning) => title.startsWith(beginning)) ?? true),
  );
  if (chosen.length === 0) throw new Error(`no scenario's title begins so: ${beginnings?.join(", ")}`);
  return chosen;
}

function describe(rounds: Round[], targets: TargetName[]): string {
  const servers = targets.filter((name) => name !== "direct" && name !== "ag-ui");
  const tables = [formatTable(rounds, rows, servers, "taskloom", "loop")];
  if (targets.includes("ag-ui")) {
    const both = rows.filter((row) => valuesOf(rounds, row, "ag-ui").some((value) => value !== null));
    tables.push(formatTable(rounds, both, ["taskloom", "ag-ui"], "ag-ui", "taskloom"));
  }
  const notes = [howToRead];
  if (targets.includes("agents")) notes.push(notAlike.agents);
  if (targets.includes("node")) notes.push(notAlike.node);
  return [...tables, notes.join("\n"), formatDisturbance(rounds)].join("\n\n");
}

const howToRead =
  "Medians of the quiet rounds, in brackets the least and the most; each round is itself a median of its turns. *Added* " +
  "is above asking the model directly. Clients send their next message as soon as a turn has ended; but for the first " +
  `turns of threads and the 200 at full speed, threads exist already. ‡: the model, D1 and the clients used over ${BUSY} ` +
  "of their core, so they may be what limits.";

/** What is not like for like. */
const notAlike = {
  agents:
    "*Agents SDK* speaks over a WebSocket, which is opened before the clock starts, also for the first turn of a " +
    "thread; each request brings all messages, as its own client does. It stores the stream as it comes and each reply " +
    "again with the next request. It has no plan, no sandbox, no keys, no lists of threads and no D1.",
  node:
    "*`ai` on Node* is one process with SQLite in a file, one row for each message. It has no resume, no recovery of a " +
    "turn, no order between two turns of a thread, no plan, no sandbox, no keys, no lists of threads and no D1. One " +
    "machine has all threads.",
};

function chooseTargets({ short, peers, only }: Choice): TargetName[] {
  const isPeer = (name: TargetName): boolean => name === "node" || name === "agents";
  return targetNames.filter((name) => {
    if (name === "direct") return true;
    if (name === "ag-ui" && short) return false;
    return (peers || !isPeer(name)) && (only?.includes(name) ?? true);
  });
}

async function prepare(folder: string, targets: TargetName[]): Promise<Parts & { database: number }> {
  const hasPeers = targets.includes("node") || targets.includes("agents");
  if (hasPeers) await installPackages(join(root, "bench/peers"));
  const chat_agent = targets.includes("agents")
    ? await bundleWorker("bench/peers/chat-agent.ts", join(folder, "chat-agent"), {
        config: "bench/peers/wrangler.toml",
      })
    : null;
  const product = await bundleWorker("src/index.ts", join(folder, "product"));
  const { said } = await startProgram("load/model.ts", 1);
  const d1 = await startDatabase(root, join(folder, "d1"));
  return { model: `http://127.0.0.1:${said.port}`, d1: d1.url, database: d1.pid, product, chat_agent, folder };
}
