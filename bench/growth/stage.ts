// What the sweeps share: the parts of servers, the client, and figures of the server's process. A sweep has a database
// of its own and each of its points a server process of its own, so a figure is not that of what was measured before.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Turn } from "../load/turn.ts";
import { bundleWorker } from "../processes/bundle.ts";
import { type Disturbance, startWatch, type Watch } from "../processes/foreign-load.ts";
import { type NodeProgram, startProgram } from "../processes/programs.ts";
import { startDatabase } from "../targets/d1.ts";
import { type Parts, startServer } from "../targets/servers.ts";
import type { TargetName } from "../targets/targets.ts";
import { divide, median, present } from "../turns/figures.ts";
import { memoryOf, type Served, warmUp } from "../turns/subject.ts";

export interface Stage {
  /** All but the database, which each sweep starts. */
  parts: Omit<Parts, "d1">;
  client: NodeProgram;
  watch: Watch;
  folder: string;
}

/** Of repeated measurements. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** Medians of one round's turns, in ms. */
export interface TurnTimes {
  turn: Spread;
  first_token: Spread;
}

const root = join(import.meta.dirname, "../..");

export async function prepareStage(folder: string): Promise<Stage> {
  const product = await bundleWorker("src/index.ts", join(folder, "product"));
  const { said } = await startProgram("load/model.ts", 1);
  const { program: client } = await startProgram("load/load.ts", 1);
  const parts = { model: `http://127.0.0.1:${said.port}`, product, chat_agent: null, folder };
  return { parts, client, watch: await startWatch(), folder };
}

/** An empty database. */
export async function startParts(
  { parts, folder }: Stage,
  name: string,
): Promise<{ parts: Parts; stop(): Promise<void> }> {
  const { url, stop } = await startDatabase(root, await makeFolder(folder, `d1-${name}`));
  return { parts: { ...parts, d1: url }, stop };
}

export interface Point {
  parts: Parts;
  name: TargetName;
  /** A server's data: that of an earlier process where the name is the same. */
  data: string;
  /** Makes the names of threads unique. */
  id: string;
}

/** Runs `work` on a warm server process of its own. */
export async function withServer<T>(
  { client, folder }: Stage,
  { parts, name, data, id }: Point,
  work: (subject: Served) => Promise<T>,
): Promise<T> {
  const server = await startServer(name, parts, await makeFolder(folder, data));
  try {
    const subject = { server, client };
    await warmUp(subject, id);
    return await work(subject);
  } finally {
    await server.stop();
  }
}

/** A folder of the server's data, as `withServer` made it. */
export function folderOf({ folder }: Stage, data: string): string {
  return join(folder, data);
}

export function memoryMib(subject: Served): number | null {
  return divide(memoryOf(subject, "now"), 1024);
}

export function timesOf(turns: Turn[]): TurnTimes {
  return { turn: spreadOf(turns.map(({ end }) => end)), first_token: spreadOf(turns.map(({ first }) => first)) };
}

export function spreadOf(values: number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

export function worstOf(all: Disturbance[]): Disturbance {
  const known = present(all.map((each) => each.foreign_cores));
  const foreign_cores = known.length === 0 ? null : Math.max(...known);
  return { foreign_cores, slowdown: Math.max(...all.map(({ slowdown }) => slowdown)) };
}

export async function makeFolder(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  return path;
}
