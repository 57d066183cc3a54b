// Runs the scenarios in rounds. Within a round all targets are measured one after another, and the first one rotates,
// so what disturbs the machine for a while disturbs all. A noisy round counts for no target and is run again.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Disturbance, isNoisy, type Watch, type Watched } from "../processes/foreign-load.ts";
import type { NodeProgram } from "../processes/programs.ts";
import { type Parts, startServer } from "../targets/servers.ts";
import type { TargetName } from "../targets/targets.ts";
import type { Figures, Scenario } from "./scenarios.ts";
import { type Subject, warmUp } from "./subject.ts";

/** One round of one scenario. */
export interface Round {
  scenario: string;
  noisy: boolean;
  /** The worst of its measurements. */
  disturbance: Disturbance;
  figures: Partial<Record<TargetName, Figures>>;
  /** For each target, the share of their core that the model, D1 and the clients used. */
  helpers_busy: Partial<Record<TargetName, number | null>>;
}

export interface Stage {
  parts: Parts;
  client: NodeProgram;
  /** D1's process. */
  database: number;
  watch: Watch;
  targets: TargetName[];
  /** For the servers' data. */
  folder: string;
  /** Called after each round with all so far: a long run must not lose them. */
  onRound(rounds: Round[]): Promise<void>;
}

/** Until each scenario has `count` quiet rounds, or twice as many in all: then the quiet ones are what there is. */
export async function runRounds(stage: Stage, scenarios: Scenario[], count: number): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < count * 2; round++) {
    for (const [index, scenario] of scenarios.entries()) {
      const quiet = rounds.filter(({ scenario: title, noisy }) => title === scenario.title && !noisy).length;
      if (quiet >= count) continue;
      console.error(`round ${round + 1}: ${scenario.title}`);
      rounds.push(await runRound(stage, scenario, `s${index}-${round}`, round));
      await stage.onRound(rounds);
    }
  }
  return rounds;
}

async function runRound(stage: Stage, scenario: Scenario, id: string, round: number): Promise<Round> {
  const targets = stage.targets.filter((name) => scenario.targets.includes(name));
  const disturbance: Disturbance = { foreign_cores: null, slowdown: 1 };
  const measured: Round = { scenario: scenario.title, noisy: false, disturbance, figures: {}, helpers_busy: {} };
  for (const place of targets.keys()) {
    const name = targets[(place + round) % targets.length];
    if (name === undefined) continue;
    if (scenario.fill !== undefined && round === 0) await fill(stage, scenario, name, id);
    const watched = await measure(stage, scenario, name, id);
    measured.figures[name] = watched.result;
    measured.helpers_busy[name] = watched.helpers_busy;
    const { foreign_cores, slowdown } = watched.disturbance;
    if (foreign_cores !== null) disturbance.foreign_cores = Math.max(disturbance.foreign_cores ?? 0, foreign_cores);
    disturbance.slowdown = Math.max(disturbance.slowdown, slowdown);
  }
  return { ...measured, noisy: isNoisy(disturbance) };
}

async function fill(stage: Stage, scenario: Scenario, name: TargetName, id: string): Promise<void> {
  await withServer(stage, name, dataOf(scenario, name, id), async (subject) => scenario.fill?.(subject));
}

function measure(stage: Stage, scenario: Scenario, name: TargetName, id: string): Promise<Watched<Figures>> {
  return withServer(stage, name, dataOf(scenario, name, id), async (subject) => {
    // Names are in D1 for all of the product's servers.
    const threads = `${name}-${id}`;
    await warmUp(subject, threads);
    await scenario.prepare?.(subject, threads);
    return stage.watch.during(() => scenario.measure(subject, threads));
  });
}

function dataOf(scenario: Scenario, name: TargetName, id: string): string {
  return scenario.fill === undefined ? `${id}-${name}` : `filled-${name}`;
}

async function withServer<T>(
  { parts, client, database, folder }: Stage,
  name: TargetName,
  data: string,
  work: (subject: Subject) => Promise<T>,
): Promise<T> {
  const path = join(folder, data);
  await mkdir(path, { recursive: true });
  const server = await startServer(name, parts, path);
  try {
    return await work({ server, client, database });
  } finally {
    await server.stop();
  }
}
