// `npm run maxima`: asks every operation of `/openapi.json` with all that it may be asked at most, and says how long the
// server's one thread was busy at once. Others wait for as long. `-- "POST /ag-ui"`: only operations of that name.
import { createApp } from "../../src/app.ts";
import { describeApi } from "../../src/http/docs/openapi.ts";
import { type Description, type Operation, orderOf, readOperations } from "../worker/walk/operations.ts";
import { measureStretch, measureTime } from "./measure.ts";
import { FRESH, requestsOf, type Sent } from "./requests.ts";
import { openStage, type Stage } from "./stage.ts";

/** What others may wait for one request. */
const MAX_AT_ONCE_MS = 250;
/** What took less in all can't have kept anybody waiting for that long. */
const SUSPECT_MS = 120;
/** The collector of garbage, and what was sent before, take their time in one of them. */
const TRIES = 3;
const SHOWN = 20;

interface Figure {
  name: string;
  what: string;
  status: number;
  cpu: number;
  at_once: number;
}

let fresh = 0;

/** What it is about is new each time, and is there if it must be. */
async function prepare({ request }: Stage, sent: Sent): Promise<Sent> {
  fresh += 1;
  const id = `${FRESH.slice(0, -7)}${String(fresh).padStart(7, "0")}`;
  const name = (text: string) => text.replaceAll(FRESH, id);
  if (sent.needsThread) await (await request("POST", "/v1/threads", { thread_id: id })).text();
  const headers = Object.fromEntries(Object.entries(sent.headers).map(([key, value]) => [key, name(value)]));
  return { ...sent, path: name(sent.path), headers, body: sent.body === null ? null : name(sent.body) };
}

async function measure(stage: Stage, sent: Sent): Promise<Figure> {
  const { status, cpu } = await measureTime(stage.server, await prepare(stage, sent));
  const figure = { name: sent.operation.name, what: sent.what, status, cpu, at_once: cpu };
  for (let tries = 0; tries < TRIES && figure.at_once > (tries === 0 ? SUSPECT_MS : MAX_AT_ONCE_MS); tries++) {
    const longest = await measureStretch(stage.server, await prepare(stage, sent));
    figure.at_once = Math.min(longest, figure.at_once);
  }
  return figure;
}

async function measureAll(stage: Stage, operations: Operation[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const operation of operations) {
    const own: Figure[] = [];
    for (const sent of requestsOf(operation, stage.things)) own.push(await measure(stage, sent));
    figures.push(...own);
    const worst = Math.max(...own.map(({ at_once }) => at_once));
    const statuses = [...new Set(own.map(({ status }) => status))].sort().join(" ");
    console.log(`${worst.toFixed(0).padStart(5)} ms at most: ${operation.name} (${own.length} requests: ${statuses})`);
  }
  return figures;
}

function show(figures: Figure[]): void {
  const byOperation = Map.groupBy(
    figures.toSorted((one, other) => other.at_once - one.at_once),
    ({ name }) => name,
  );
  console.log("\n| Operation | At its maximum | Status | CPU, ms | At once, ms |\n|---|---|--:|--:|--:|");
  for (const [worst] of [...byOperation.values()].slice(0, SHOWN)) {
    if (worst === undefined) continue;
    const { name, what, status, cpu, at_once } = worst;
    console.log(
      `| \`${name}\` | ${what.replaceAll("|", "\\|")} | ${status} | ${cpu.toFixed(0)} | ${at_once.toFixed(0)} |`,
    );
  }
  const silent = [...byOperation].filter(([, own]) => own.every(({ status }) => status === 0 || status >= 400));
  console.log(`\nnever succeeded: ${silent.map(([name]) => name).join(", ") || "none"}`);
  const broken = figures.filter(({ status }) => status === 0 || status === 500);
  for (const { name, what, status } of broken) console.log(`answered ${status}: ${name} ${what}`);
  const slow = figures.filter(({ at_once }) => at_once > MAX_AT_ONCE_MS);
  for (const { name, what, at_once } of slow) console.log(`busy for ${at_once.toFixed(0)} ms at once: ${name} ${what}`);
  console.log(`${figures.length} requests, ${slow.length} of which keep others waiting for over ${MAX_AT_ONCE_MS} ms`);
  if (slow.length > 0) process.exitCode = 1;
}

const [only = ""] = process.argv.slice(2);
const operations = readOperations(describeApi(createApp()) as unknown as Description)
  .filter(({ name }) => name.includes(only))
  .sort((one, other) => orderOf(one) - orderOf(other));
const stage = await openStage();
try {
  show(await measureAll(stage, operations));
} finally {
  await stage.close();
}
// Connections that nothing waits for any more.
process.exit();
