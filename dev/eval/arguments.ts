// The arguments of `npm run eval`. Every number is bounded: a typo must not cost a thousand requests.
import { parseArgs } from "node:util";
import { agentConfig } from "../../src/protocol/agents/agent.ts";
import { type EvalRequest, requests } from "./requests.ts";

export interface EvalArguments {
  /** Measure what checks see, in place of how a model plans. */
  lies: boolean;
  /** The names given with `--lies`; null without. */
  only: string[] | null;
  /** Null means the configured one. */
  model: string | null;
  tool_format: ReturnType<typeof agentConfig.parse>["tool_format"];
  requests: EvalRequest[];
  repeat: number;
  concurrency: number;
  /** The lowest accepted mean score, 0 to 1. */
  threshold: number;
  record: string | null;
  replay: string | null;
}

export const usage = `npm run eval -- [--model NAME] [--only KIND|ID,…] [--repeat 1] [--concurrency 4] [--threshold 0.9]
    [--tool-format native] [--record FILE | --replay FILE]
  npm run eval -- --lies [--only lie|limit|honest|ID,…] [--record FILE]`;

/** Providers limit requests per minute; more in parallel would only be rejected. */
const MAX_PARALLEL = 16;
const MAX_REPEATS = 20;

/** Throws an error with a message for people. */
export function readArguments(list: string[]): EvalArguments {
  const { values } = parseArgs({
    args: list,
    options: {
      lies: { type: "boolean", default: false },
      model: { type: "string" },
      only: { type: "string" },
      repeat: { type: "string", default: "1" },
      concurrency: { type: "string", default: "4" },
      threshold: { type: "string", default: "0.9" },
      "tool-format": { type: "string", default: "native" },
      record: { type: "string" },
      replay: { type: "string" },
    },
  });
  const { record = null, replay = null, model = null } = values;
  for (const [name, value] of Object.entries({ model, record, replay })) {
    if (value?.trim() === "") throw new Error(`--${name} must not be empty`);
  }
  if (record !== null && replay !== null) throw new Error("--record and --replay can't be combined");
  const { lies, only } = values;
  return {
    lies,
    only: lies && only !== undefined ? only.split(",").map((name) => name.trim()) : null,
    model,
    tool_format: readFormat(values["tool-format"]),
    requests: lies ? [] : pickRequests(only),
    repeat: readCount("repeat", values.repeat, MAX_REPEATS),
    concurrency: readCount("concurrency", values.concurrency, MAX_PARALLEL),
    threshold: readShare("threshold", values.threshold),
    record,
    replay,
  };
}

function readCount(name: string, value: string, max: number): number {
  if (/^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= max) return Number(value);
  throw new Error(`--${name} must be a whole number from 1 to ${max}`);
}

function readShare(name: string, value: string): number {
  if (/^(?:0(?:\.\d+)?|1(?:\.0+)?)$/.test(value)) return Number(value);
  throw new Error(`--${name} must be a number from 0 to 1`);
}

function readFormat(value: string): EvalArguments["tool_format"] {
  const { tool_format } = agentConfig.shape;
  const read = tool_format.safeParse(value);
  if (read.success) return read.data;
  throw new Error(`--tool-format must be one of: ${tool_format.unwrap().options.join(", ")}`);
}

/** The requests whose kind or id is named, in their usual order. */
function pickRequests(only: string | undefined): EvalRequest[] {
  if (only === undefined) return requests;
  const names = only.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !requests.some(({ id, kind }) => id === name || kind === name));
  if (unknown !== undefined) {
    const kinds = [...new Set(requests.map(({ kind }) => kind))];
    throw new Error(`--only names "${unknown}", which is neither a kind (${kinds.join(", ")}) nor the id of a request`);
  }
  return requests.filter(({ id, kind }) => names.includes(id) || names.includes(kind));
}
