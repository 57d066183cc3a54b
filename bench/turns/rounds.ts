// Runs the scenarios in rounds. Within a round all targets are measured one after another, and the first one rotates,
// so what disturbs the machine for a while disturbs all. A noisy round counts for no target and is run again.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Disturbance, isNoisy, type Watch } from "../processes/foreign-load.ts";
import type { NodeProgram } from "../processes/programs.ts";
import { type Parts, startServer } from "../targets/servers.ts";
import type { TargetName } from "../targets/targets.ts";
import { type Figures, type Scenario, warmUp } from "./scenarios.ts";

/** One round of one scenario. */
export interface Round {
  scenario: string;
  noisy: boolean;
  /** The worst of its measurements. */
  disturbance: Disturbance;
  figures: Partial<Record<TargetName, Figures>>;
}

export interface Stage {
  parts: Parts;
  client: NodeProgram;
  watch: Watch;
  targets: TargetName[];
  /** For the servers' data. */
  folder: string;
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
    }
  }
  return rounds;
}

async function runRound(stage: Stage, scenario: Scenario, id: string, round: number): Promise<Round> {
  const targets = stage.targets.filter((name) => scenario.targets.includes(name));
  const figures: Round["figures"] = {};
  const disturbance: Disturbance = { foreign_cores: 0, slowdown: 1 };
  for (const place of targets.keys()) {
    const name = targets[(place + round) % targets.length];
    if (name === undefined) continue;
    const measured = await measure(stage, scenario, name, id);
    figures[name] = measured.result;
    disturbance.foreign_cores = Math.max(disturbance.foreign_cores, measured.disturbance.foreign_cores);
    disturbance.slowdown = Math.max(disturbance.slowdown, measured.disturbance.slowdown);
  }
  return { scenario: scenario.title, noisy: isNoisy(disturbance), disturbance, figures };
}

async function measure(
  { parts, client, watch, folder }: Stage,
  scenario: Scenario,
  name: TargetName,
  id: string,
): Promise<{ result: Figures; disturbance: Disturbance }> {
  const data = join(folder, scenario.keeps ? `kept-${name}` : `${id}-${name}`);
  await mkdir(data, { recursive: true });
  const server = await startServer(name, parts, data);
  try {
    const subject = { server, client };
    // Names are in D1 for all of the product's servers.
    const threads = `${name}-${id}`;
    await warmUp(subject, threads);
    return await watch.during(() => scenario.measure(subject, threads));
  } finally {
    await server.stop();
  }
}
