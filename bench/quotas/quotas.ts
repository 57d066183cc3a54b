// `npm run bench -- --quotas`: what each kind of request of a user at its quotas costs in CPU, refused and let in, and
// how much of a core a user takes that does all it may.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type LimitName, limits } from "../../src/protocol/money/quotas.ts";
import { bundleWorker } from "../processes/bundle.ts";
import { type NodeProgram, startProgram } from "../processes/programs.ts";
import { startWorker } from "../processes/workerd.ts";
import type { RunResult } from "../results.ts";
import { startDatabase } from "../targets/d1.ts";
import { describeProduct, writeModule } from "../targets/servers.ts";
import { median, present } from "../turns/figures.ts";
import { type Cost, measureCost, prepareUser, type Stage } from "./cost.ts";
import { guessed, type Kind, letIn, refused } from "./requests.ts";

const root = join(import.meta.dirname, "../..");
const FLOOR = "a Worker that refuses everything";

interface Row extends Kind {
  costs: Cost[];
}

/** All kinds in each round, so that what disturbs the machine for a while disturbs all. */
export async function measureQuotas(rounds: number, folder: string): Promise<RunResult> {
  const { said } = await startProgram("load/model.ts", 1);
  const { program: client } = await startProgram("quotas/client.ts", 1);
  const stage = await startProduct(`http://127.0.0.1:${said.port}`, client, folder);
  const floor = await startFloor(stage, folder);
  // Who guesses keys keeps the short admin key of the bench out, so nothing is prepared after that.
  const rows: Row[] = [...letIn, ...refused, guessed].map((kind) => ({ ...kind, costs: [] }));
  const keys = await Promise.all(rows.map((kind, place) => prepareUser(stage, kind, `user_${place}`)));
  const none: Row = {
    title: FLOOR,
    sent: { method: "GET", path: "/v1/threads" },
    status: 429,
    count: 4_000,
    costs: [],
  };
  let id = 0;
  for (let round = 0; round < rounds; round++) {
    console.error(`round ${round + 1} of ${rounds}`);
    none.costs.push(await measureCost(floor, none, "none", id++));
    for (const [place, row] of rows.entries()) row.costs.push(await measureCost(stage, row, keys[place] ?? "", id++));
  }
  const all = [none, ...rows];
  const figures = all.map(({ title, costs }) => ({ title, costs }));
  return { name: "quotas", markdown: describe(none, rows), charts: {}, figures };
}

async function startProduct(model: string, client: NodeProgram, folder: string): Promise<Stage> {
  const product = await bundleWorker("src/index.ts", join(folder, "product"));
  const d1 = await startDatabase(root, join(folder, "d1"));
  const server = await startWorker(describeProduct({ product, model, d1: d1.url }), await make(folder, "server"), 0);
  return { url: server.url, pid: server.pid, database: d1.pid, client };
}

async function startFloor(stage: Stage, folder: string): Promise<Stage> {
  const modules = [await writeModule("targets/refusal.ts", folder)];
  const object = { binding: "OBJECTS", class_name: "Objects" };
  const server = await startWorker(
    { modules, entrypoint: "publicEntrypoint", object, vars: {} },
    await make(folder, "floor"),
    0,
  );
  return { ...stage, url: server.url, pid: server.pid };
}

async function make(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  return path;
}

function describe(floor: Row, rows: Row[]): string {
  const ofRefused = rows.filter(({ limit }) => limit === undefined);
  const lines = [
    "| refused | CPU µs |",
    "|---|--:|",
    ...[floor, ...ofRefused].map((row) => `| ${row.title} | ${show(row, "worker")} |`),
  ];
  const done = rows.flatMap(({ limit, ...row }) => (limit === undefined ? [] : [{ ...row, limit }]));
  const head = [
    "| let in | CPU µs | D1's CPU µs | a second, at the quota | of a core | of D1's core |",
    "|---|--:|--:|--:|--:|--:|",
  ];
  const body = done.map(
    (row) =>
      `| ${row.title} | ${show(row, "worker")} | ${show(row, "database")} | ${perSecond(row.limit)} (\`${row.limit}\`) | ${share(row, "worker")} | ${share(row, "database")} |`,
  );
  return [...lines, "", ...head, ...body].join("\n");
}

const valuesOf = ({ costs }: Pick<Row, "costs">, of: keyof Cost): number[] => present(costs.map((cost) => cost[of]));

function show(row: Pick<Row, "costs">, of: keyof Cost): string {
  const values = valuesOf(row, of).map(Math.round);
  return `${median(values)} (${Math.min(...values)}–${Math.max(...values)})`;
}

const perSecond = (limit: LimitName): number => limits[limit].usual / 60;

function share(row: Pick<Row, "costs"> & { limit: LimitName }, of: keyof Cost): string {
  return `${((median(valuesOf(row, of)) * perSecond(row.limit)) / 10_000).toFixed(1)} %`;
}
