// `npm run bench`: the cost of a token, a turn and a tool step on workerd (through Miniflare), compared with a Durable
// Object that only forwards the model's bytes and with a minimal hand-written loop. Prints Markdown.
//
// Flags after `--`: `--short` (one round, under a minute), `--rounds N`, `--only a,b` (targets), `--no-rows`;
// `--sandbox` measures sandboxes instead, `--web` the web app in a browser.
//
// Machines are noisy, so rounds are interleaved, the order of the targets rotates, and figures are medians.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundleWorker } from "./bundle.ts";
import { findRuntime } from "./process-usage.ts";
import { type Core, type Program, pinning, startProgram } from "./programs.ts";
import { countRows } from "./rows.ts";
import { API_KEY, measureSandboxes } from "./sandbox.ts";
import { type Subject, scenarios } from "./scenarios.ts";
import { formatRows, formatTable, type Round } from "./table.ts";
import { type TargetName, targetNames } from "./targets.ts";
import { formatWeb, measureWeb } from "./web.ts";

const { values: flags } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    rounds: { type: "string" },
    only: { type: "string" },
    "no-rows": { type: "boolean", default: false },
    sandbox: { type: "boolean", default: false },
    web: { type: "boolean", default: false },
  },
});

const programs: Program[] = [];
const folder = await mkdtemp(join(tmpdir(), "taskloom-bench-"));

async function start(
  file: string,
  core: Core,
  args: string[] = [],
): Promise<{ program: Program; said: Record<string, unknown> }> {
  const started = await startProgram(file, core, args);
  programs.push(started.program);
  return started;
}

async function startServer(client: Program, name: TargetName, modelUrl: string, bundle: string): Promise<Subject> {
  const { program, said } = await start("server.ts", 0, [name, modelUrl, bundle]);
  return { target: { name, url: String(said.url) }, runtime: findRuntime(program.pid), client };
}

async function runRounds(subjects: Subject[], count: number): Promise<Round[]> {
  const chosen = scenarios.filter(({ long }) => !(long && flags.short));
  const rounds: Round[] = [];
  for (let round = 0; round < count; round++) {
    const figures: Round = {};
    for (const { title, measure } of chosen) {
      console.error(`round ${round + 1}/${count}: ${title}`);
      const order = subjects.map((_, place) => subjects[(place + round) % subjects.length]);
      for (const subject of order) {
        if (subject === undefined) continue;
        const { name } = subject.target;
        figures[name] = { ...figures[name], ...(await measure(subject, String(round))) };
      }
    }
    rounds.push(figures);
  }
  return rounds;
}

async function main(): Promise<void> {
  await mkdir(join(import.meta.dirname, "../dist/web"), { recursive: true });
  const only = flags.only?.split(",");
  const chosen = targetNames.filter((name) => name === "direct" || (only?.includes(name) ?? true));
  const bundle = await bundleWorker("src/index.ts", join(folder, "product"));
  const model = await start("model.ts", 1);
  const { program: client } = await start("load.ts", 1);
  const origin = `http://127.0.0.1:${model.said.port}`;
  const subjects: Subject[] = [];
  for (const name of chosen) {
    if (name === "direct") subjects.push({ target: { name, url: origin }, runtime: null, client });
    else subjects.push(await startServer(client, name, `${origin}/v1`, bundle));
  }
  const rounds = await runRounds(subjects, Number(flags.rounds ?? (flags.short ? 1 : 5)));
  console.log(`\n${cpus()[0]?.model.trim()}, ${pinning}; Node ${process.versions.node}; rounds: ${rounds.length}\n`);
  console.log(formatTable(rounds));
  if (flags["no-rows"]) return;
  const { program, said } = await start("server.ts", 0, ["counted", `${origin}/v1`, bundle]);
  const counted: Subject = {
    target: { name: "taskloom", url: String(said.url) },
    runtime: findRuntime(program.pid),
    client,
  };
  console.log(`\n${formatRows(await countRows(counted))}`);
}

async function mainOfSandboxes(): Promise<void> {
  const { said } = await start("daytona.ts", 0, [API_KEY]);
  const rounds = Number(flags.rounds ?? (flags.short ? 1 : 5));
  const figures = await measureSandboxes({ api_url: String(said.api_url), rounds });
  console.log(`\n${cpus()[0]?.model.trim()}; Node ${process.versions.node}; ${said.isolation}; rounds: ${rounds}\n`);
  console.log(figures);
}

async function mainOfWeb(): Promise<void> {
  const rounds = Number(flags.rounds ?? (flags.short ? 1 : 5));
  const figures = await measureWeb(rounds);
  console.log(`\n${cpus()[0]?.model.trim()}; Node ${process.versions.node}; rounds: ${rounds}\n`);
  console.log(formatWeb(figures));
}

try {
  await (flags.sandbox ? mainOfSandboxes() : flags.web ? mainOfWeb() : main());
} finally {
  await Promise.all(programs.map((program) => program.stop()));
  await rm(folder, { recursive: true, force: true });
}
