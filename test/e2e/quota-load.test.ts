// A user at the limits of the quotas, beside one who works: what is admitted (runs, changes, reads, streams, each as
// fast as the quota allows over a minute), and four times as much that is refused. Short rounds without a flood, with
// what is refused alone, and with all of it take turns, so that what else the machine does falls on all. Whoever sends
// the flood is a process of its own, and so is the model; the Worker, its objects and D1 are one process, as
// `npm start` has them. So what is admitted takes time of the one thread that also serves the other user: on Cloudflare
// it would have threads of its own.
//
// What is compared are the medians of the rounds' p95. How far apart halves of the rounds without a flood are is the
// noise. A machine that others keep busy delays whoever asks for more, so their rounds count only if there are no
// others. With SHOW_TIMES=1 the figures are printed.
import { type ChildProcess, fork } from "node:child_process";
import { loadavg } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findRuntime, readBusyTime, readCpu } from "../../bench/processes/process-usage.ts";
import { quotas } from "../../src/protocol/money/quotas.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import type { FloodKind, FloodSettings, Statuses } from "./quota-flood.ts";

/** Of rounds, one of each kind, on a machine that nobody else uses. */
const QUIET_SETS = 24;
const MAX_SETS = 32;
/** How much of a core others may use meanwhile. */
const QUIET_CORES = 0.2;
/** Beyond the noise, where others used the machine. */
const BUSY_TIMES = 4;
/** Beyond the noise, beside what the quotas admit: a turn waits for the call of another that is under way. */
const LET_IN_TIMES = 2;
const ROUND_MS = 1_000;
/** More than any round sends. */
const MANY = 1_000_000_000;
const message = "What is a Durable Object?";

const KINDS = ["alone", "refused", "limits"] as const;

const children: ChildProcess[] = [];
let taskloom: Taskloom;

/** Resolves with the child and its first message. */
async function start(path: string, ...args: string[]): Promise<{ child: ChildProcess; said: unknown }> {
  const child = fork(join(import.meta.dirname, path), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  children.push(child);
  return { child, said: await nextMessage(child) };
}

/** The usual stand-in, in a process of its own. Resolves with its address. */
async function startModel(): Promise<string> {
  const args = ["--port", "0", "--tokens-per-second", "0"];
  const child = fork(join(import.meta.dirname, "../../dev/model/main.ts"), args, {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout as Readable })) {
    const [, address] = / on (http:\S+) /.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error("the model did not start");
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`a process of the test ended with ${code}`));
    child.once("exit", onExit).once("message", (said) => {
      child.off("exit", onExit);
      resolve(said);
    });
  });
}

beforeAll(async () => {
  const model = await startModel();
  // The usual quotas.
  taskloom = await startTaskloom({
    QUOTAS: `requests_per_minute=${quotas.requests_per_minute.usual}`,
    OPENAI_BASE_URL: model,
  });
});
afterAll(async () => {
  for (const child of children) child.kill();
  await taskloom?.close();
});

async function addUser(
  user_id: string,
  quotas: Record<string, number> = {},
): Promise<{ user: ServerClient; key: string }> {
  const { api_key: key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id, quotas });
  return { user: clientOf({ url: taskloom.url, key }), key };
}

async function addFlooding(user_id: string, quotas: Record<string, number> = {}): Promise<string> {
  const { user, key } = await addUser(user_id);
  await user.json("POST", "/v1/agents", { agent_id: "flood", name: "flood", instructions: "Answer." });
  for (const thread_id of ["flood-0", "quiet"]) await user.json("POST", "/v1/threads", { thread_id });
  await taskloom.json("PATCH", `/v1/users/${user_id}`, { quotas });
  return key;
}

/** The p95 of a round's turns, one after another, in milliseconds. */
async function work(user: ServerClient, thread: string): Promise<number> {
  const times: number[] = [];
  for (const end = performance.now() + ROUND_MS; performance.now() < end; ) {
    const before = performance.now();
    await user.json("POST", `/v1/threads/${thread}/runs?wait=1`, { message });
    times.push(performance.now() - before);
  }
  return percentile(times, 0.95);
}

function percentile(values: number[], part: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * part)] ?? Number.NaN;
}

/** The CPU time so far of all that is no part of this test, in µs; 0 where the system doesn't say. */
function readOthers(): number {
  const own = [process.pid, findRuntime(process.pid) ?? 0, ...children.map(({ pid }) => pid ?? 0)];
  const busy = readBusyTime(null);
  return busy === null ? 0 : busy - own.reduce((sum, pid) => sum + (readCpu(pid) ?? 0), 0);
}

const median = (values: number[]) => percentile(values, 0.5);

/** How far apart the halves of rounds without a flood are: the most of all that take turns in some regular way. */
function noiseOf(rounds: number[]): number {
  const ratios = SPLITS.map((split) => {
    const halves = [0, 1].map((half) => median(rounds.filter((_, round) => parityOf(round & split) === half)));
    return Math.max(...halves) / Math.min(...halves);
  });
  return Math.max(...ratios);
}

/** Each names bits of a round's number. */
const SPLITS = Array.from({ length: 15 }, (_, place) => place + 1);

function parityOf(number: number): number {
  return number.toString(2).replaceAll("0", "").length % 2;
}

it("what a user sends beyond its quotas does not delay another user, and what they admit not by much", {
  timeout: 300_000,
}, async () => {
  const settings: FloodSettings = {
    url: taskloom.url,
    working: await addFlooding("user_flood"),
    refused: await addFlooding("user_refused", {
      runs_per_minute: 0,
      requests_per_minute: MANY,
    }),
    exhausted: await addFlooding("user_exhausted", { requests_per_minute: 0 }),
  };
  const { child } = await start("quota-flood.ts", JSON.stringify(settings));
  const tell = async (what: FloodKind | "stop"): Promise<unknown> => {
    child.send(what);
    return await nextMessage(child);
  };
  const { user } = await addUser("user_works", { runs_per_minute: MANY, requests_per_minute: MANY });
  const statuses: Statuses = {};
  const workBeside = async (kind: FloodKind, thread: string): Promise<number> => {
    await tell(kind);
    const p95 = await work(user, thread);
    for (const [name, count] of Object.entries((await tell("stop")) as Statuses)) {
      statuses[name] = (statuses[name] ?? 0) + count;
    }
    return p95;
  };
  for (let warm = 0; warm < 3; warm++) await work(user, "thread-warm");
  const all: { alone: number; refused: number; limits: number; others: number }[] = [];
  const isQuiet = ({ others }: { others: number }) => others <= QUIET_CORES;
  while (all.filter(isQuiet).length < QUIET_SETS && all.length < MAX_SETS) {
    const [begun, others] = [performance.now(), readOthers()];
    const set = { alone: 0, refused: 0, limits: 0, others: 0 };
    // Each takes each place as often: a thread's turns take longer the more there are.
    for (let place = 0; place < KINDS.length; place++) {
      const kind = KINDS[(place + all.length) % KINDS.length] ?? "alone";
      const thread = `thread-${all.length}`;
      set[kind] = kind === "alone" ? await work(user, thread) : await workBeside(kind, thread);
    }
    set.others = (readOthers() - others) / 1000 / (performance.now() - begun);
    all.push(set);
  }
  const quiet = all.filter(isQuiet);
  const sets = quiet.length < QUIET_SETS ? all : quiet;
  const [alone, refused, limits] = KINDS.map((kind) => sets.map((set) => set[kind])) as [number[], number[], number[]];
  const ratios = [refused, limits].map((times) => median(times) / median(alone)) as [number, number];
  const noise = noiseOf(alone);
  if (process.env.SHOW_TIMES !== undefined) {
    const show = (times: number[]) => times.map((time) => time.toFixed(1)).join(" ");
    console.log(`p95 of rounds alone, ms: ${show(alone)}\nbeside what is refused: ${show(refused)}`);
    console.log(`beside what is admitted, too: ${show(limits)}`);
    console.log(
      `medians ${show([alone, refused, limits].map(median))}; ratios ${ratios.map((each) => each.toFixed(2))}`,
    );
    console.log(
      `noise ${noise.toFixed(2)}; quiet sets ${quiet.length} of ${all.length}; load ${loadavg()[0]?.toFixed(1)}`,
    );
    console.log(JSON.stringify(Object.fromEntries(Object.entries(statuses).sort())));
  }
  const expected = [
    "read 200",
    "read 429",
    "run 202",
    "run 429",
    "stream 200",
    "stream 429",
    "title 200",
    "title 429",
    "version 200",
    "version 429",
  ];
  expect(Object.keys(statuses).sort()).toEqual(expected);
  const bound = sets === quiet ? noise : BUSY_TIMES * noise;
  expect(ratios[0], "beside what is refused").toBeLessThan(bound);
  expect(ratios[1], "beside what is admitted, too").toBeLessThan(LET_IN_TIMES * bound);
});
