// The flags of `npm run bench`. A wrong one is refused before anything is measured.
import { parseArgs } from "node:util";
import { scenarios as bills } from "./cost/scenarios.ts";
import { targetNames } from "./targets/targets.ts";
import { scenarios } from "./turns/scenarios.ts";

const chosenTargets = targetNames.filter((name) => name !== "direct");

function listTitles(all: { title: string }[]): string {
  return all.map(({ title }) => title).join("; ");
}

export const usage = `npm run bench -- [flags]
  --peers            also measure the Agents SDK and the AI SDK on Node (installs them in bench/peers)
  --quotas           measure what requests of a user at its quotas cost instead
  --growth           measure how costs grow with messages, readers and threads instead
  --cost             count what Cloudflare bills for turns, plans, waits and idle clients instead
  --scale            what many threads a day store and cost instead; writes docs/scale.md
  --sandbox, --web   measure sandboxes, or the web app in a browser, instead
  --short            one round of what is quick
  --rounds N         rounds, 5 unless --short (--growth: rounds of readers, 3)
  --only A,B         targets: ${chosenTargets.join(", ")}
  --scenarios "A;B"  scenarios whose titles begin so: ${listTitles(scenarios)}
                     with --cost: ${listTitles(bills)}

Minutes on two cores: 1 with --short, about 20 for five rounds, 50 for five rounds with --peers, 8 with --growth, 5 with --quotas,
6 with --cost, 1 with --scale.`;

export interface Flags {
  measured: "turns" | "cost" | "growth" | "quotas" | "scale" | "sandbox" | "web";
  peers: boolean;
  short: boolean;
  /** Null where it was not given. */
  rounds: number | null;
  only: string[] | null;
  scenarios: string[] | null;
}

/** Throws an error with a text for the user. */
export function readFlags(args: string[]): Flags {
  const { values } = parseArgs({
    args,
    options: {
      peers: { type: "boolean", default: false },
      cost: { type: "boolean", default: false },
      growth: { type: "boolean", default: false },
      quotas: { type: "boolean", default: false },
      scale: { type: "boolean", default: false },
      sandbox: { type: "boolean", default: false },
      web: { type: "boolean", default: false },
      short: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string" },
      scenarios: { type: "string" },
    },
  });
  const { peers, short } = values;
  const instead = (["cost", "growth", "quotas", "scale", "sandbox", "web"] as const).filter((name) => values[name]);
  if (instead.length + (peers ? 1 : 0) > 1)
    throw new Error("Choose one of --peers, --cost, --growth, --quotas, --scale, --sandbox and --web.");
  const rounds = values.rounds === undefined ? null : Number(values.rounds);
  if (rounds !== null && !/^[1-9]\d*$/.test(values.rounds ?? "")) throw new Error("--rounds takes a number above 0.");
  const only = values.only?.split(",") ?? null;
  if (instead.length > 0 && only !== null) throw new Error("--only chooses servers of turns.");
  const known = instead[0] === undefined ? scenarios : instead[0] === "cost" ? bills : [];
  if (known.length === 0 && values.scenarios !== undefined) throw new Error("--scenarios chooses turns or bills.");
  const unknown = only?.find((name) => !chosenTargets.some((target) => target === name));
  if (unknown !== undefined) throw new Error(`There is no target ${unknown}.`);
  if (!peers && only?.some((name) => name === "node" || name === "agents")) throw new Error("Peers need --peers.");
  const beginnings = values.scenarios?.split(";").map((beginning) => beginning.trim()) ?? null;
  const wrong = beginnings?.find((text) => text === "" || !known.some(({ title }) => title.startsWith(text)));
  if (wrong !== undefined) throw new Error(`No scenario's title begins with "${wrong}".`);
  return { measured: instead[0] ?? "turns", peers, short, rounds, only, scenarios: beginnings };
}
