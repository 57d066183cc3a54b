// What the whole deployment may spend in a day and a month, and what each user may. A misspelt value would be no cap at
// all, so it becomes `problem`, which every run fails with.
import { type CapName, type Caps, capFields, hasCap, type PeriodCaps } from "../protocol/money/caps.ts";
import { problem, SettingProblem } from "./model-servers.ts";

export interface CapSettings {
  /** Of all users together. */
  deployment: PeriodCaps;
  /** Of each user for whom an admin has set no others. */
  user: PeriodCaps;
  /** What is wrong with a setting, in a sentence for the operator. */
  problem: string | null;
}

/** What the caps are called in the settings. */
const words = {
  cost_usd: "max_cost_usd",
  tokens: "max_total_tokens",
  minutes: "max_minutes",
} as const satisfies Record<string, CapName>;
const names = Object.keys(words).join(", ");

export function readCapSettings(env: object): CapSettings {
  const given = new Map(Object.entries(env).map(([name, value]) => [name, String(value ?? "").trim()]));
  const readPeriods = (scope: "DEPLOYMENT" | "USER"): PeriodCaps => ({
    ...read(`${scope}_DAY_CAPS`, "day", given),
    ...read(`${scope}_MONTH_CAPS`, "month", given),
  });
  try {
    return { deployment: readPeriods("DEPLOYMENT"), user: readPeriods("USER"), problem: null };
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error;
    return { deployment: {}, user: {}, problem: error.message };
  }
}

function read(setting: string, period: keyof PeriodCaps, given: Map<string, string>): PeriodCaps {
  const caps = readCaps(setting, given.get(setting) ?? "");
  return hasCap(caps) ? { [period]: caps } : {};
}

/** `cost_usd=20,tokens=5000000,minutes=600`, in any order; what is left out has no cap. */
function readCaps(setting: string, given: string): Caps {
  const caps: Caps = {};
  for (const [place, part] of given === "" ? [] : given.split(",").entries()) {
    const [word = "", value = "", ...more] = part.split("=").map((piece) => piece.trim());
    const name = Object.hasOwn(words, word) ? words[word as keyof typeof words] : undefined;
    if (name === undefined || more.length > 0) {
      throw problem(
        setting,
        `must be like cost_usd=20,tokens=5000000,minutes=600: part ${place + 1} is none of ${names}`,
      );
    }
    if (caps[name] !== undefined) throw problem(setting, `has ${word} twice`);
    // `Number` also reads an empty text, as 0.
    const read = capFields[name].safeParse(/^\d+(\.\d+)?$/.test(value) ? Number(value) : value);
    if (!read.success) throw problem(setting, `has no valid number for ${word}`);
    caps[name] = read.data;
  }
  return caps;
}
