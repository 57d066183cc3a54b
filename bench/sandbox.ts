// `npm run bench -- --sandbox`: the cost of a sandbox through the adapter, compared with the SDK alone. Runs against
// the server of `dev/daytona`, which creates sandboxes faster than any cloud, so only the ratio counts, and whether a
// cost grows.
import { Daytona } from "@daytonaio/sdk";
import type { DaytonaSettings } from "../src/sandboxes/daytona/client/client.ts";
import { createDaytonaSandbox } from "../src/sandboxes/daytona/sandbox.ts";
import { createDaytonaWorkspace } from "../src/sandboxes/daytona/workspace.ts";
import { median } from "./turns/figures.ts";

export const API_KEY = "key-of-the-bench";
const COMMANDS = 1_000;
const AT_ONCE = 20;
const ROUND_TRIPS = 30;

const { signal } = new AbortController();

export interface SandboxPlace {
  api_url: string;
  rounds: number;
}

interface Pair {
  adapter: number[];
  sdk: number[];
}

/** In milliseconds. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function settingsOf(api_url: string, name: string): DaytonaSettings {
  return { api_key: API_KEY, api_url, target: null, snapshot: null, name, labels: {}, onState: () => {} };
}

/** Returns Markdown. */
export async function measureSandboxes({ api_url, rounds }: SandboxPlace): Promise<string> {
  const client = new Daytona({ apiKey: API_KEY, apiUrl: api_url, useDeprecatedPolling: true });
  const figures: Record<string, Pair> = {
    "ready from nothing": { adapter: [], sdk: [] },
    "ready from stopped": { adapter: [], sdk: [] },
    "command, round trip": { adapter: [], sdk: [] },
    [`${AT_ONCE} at once, each made and with a command`]: { adapter: [], sdk: [] },
  };
  const [nothing, stopped, trip, crowd] = Object.values(figures) as [Pair, Pair, Pair, Pair];
  for (let round = 0; round < rounds; round++) {
    console.error(`round ${round + 1}/${rounds}`);
    const settings = settingsOf(api_url, `adapter-${round}`);
    const workspace = createDaytonaWorkspace(settings);
    nothing.adapter.push(await time(() => workspace.start(signal)));
    await workspace.stop(signal);
    stopped.adapter.push(await time(() => workspace.start(signal)));
    nothing.sdk.push(await time(() => client.create({ name: `sdk-${round}` })));
    const raw = await client.get(`sdk-${round}`);
    await raw.stop();
    stopped.sdk.push(await time(() => raw.start()));
    const sandbox = createDaytonaSandbox(settings);
    const say = (id: string) => sandbox.runCommand(request(id), () => {}, signal);
    await say(`warm-${round}`);
    for (let trips = 0; trips < ROUND_TRIPS; trips++) {
      trip.adapter.push(await time(() => say(`trip-${round}-${trips}`)));
      trip.sdk.push(await time(() => raw.process.executeCommand("echo hello")));
    }
    await Promise.all([workspace.destroy(signal), raw.delete()]);
    crowd.adapter.push(await crowdOf((name) => startOne(api_url, `adapter-${round}-${name}`)));
    crowd.sdk.push(await crowdOf((name) => startRaw(client, `sdk-${round}-${name}`)));
    for await (const left of client.list()) await left.delete();
  }
  const lines = Object.entries(figures).map(([title, pair]) => formatPair(title, pair));
  const thousand = await runThousand(api_url, client);
  return ["| | adapter, ms | SDK alone, ms | adapter ÷ SDK |", "|---|--:|--:|--:|", ...lines, "", thousand].join("\n");
}

function request(command_id: string) {
  return { command_id, command: "echo hello", wait_ms: 60_000 };
}

function crowdOf(start: (name: string) => Promise<unknown>): Promise<number> {
  return time(() => Promise.all(Array.from({ length: AT_ONCE }, (_, place) => start(`crowd-${place}`))));
}

async function startOne(api_url: string, name: string): Promise<void> {
  const { exit_code } = await createDaytonaSandbox(settingsOf(api_url, name)).runCommand(
    request("one"),
    () => {},
    signal,
  );
  if (exit_code !== 0) throw new Error(`${name}: ${exit_code}`);
}

async function startRaw(client: Daytona, name: string): Promise<void> {
  await (await client.create({ name })).process.executeCommand("echo hello");
}

async function runThousand(api_url: string, client: Daytona): Promise<string> {
  console.error(`${COMMANDS} commands one after another`);
  const settings = settingsOf(api_url, "thousand");
  const sandbox = createDaytonaSandbox(settings);
  const times: number[] = [];
  let most = 0;
  const raw = async () => (await (await client.get(settings.name)).process.listSessions()).length;
  for (let place = 0; place < COMMANDS; place++) {
    times.push(await time(() => sandbox.runCommand(request(`call-${place}`), () => {}, signal)));
    if (place % 50 === 49) most = Math.max(most, await raw());
  }
  const left = await raw();
  await sandbox.destroy(signal);
  const [first, last] = [median(times.slice(0, 100)), median(times.slice(-100))];
  const total = times.reduce((sum, one) => sum + one, 0) / 1000;
  return `${COMMANDS} commands one after another: ${total.toFixed(1)} s, p50 ${median(times).toFixed(1)} ms; the last hundred take ${(last / first).toFixed(2)} of what the first did; at most ${most} sessions, ${left} at the end.`;
}

function formatPair(title: string, { adapter, sdk }: Pair): string {
  const [ours, theirs] = [median(adapter), median(sdk)];
  return `| ${title} | ${ours.toFixed(0)} | ${theirs.toFixed(0)} | ${(ours / theirs).toFixed(2)} |`;
}
