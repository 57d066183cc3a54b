// The arguments of `npm run eval`. Every number is bounded: a slip of the finger must not cost a thousand requests.
import { parseArgs } from "node:util";
import { agentConfig } from "../../src/protocol/agents/agent.ts";
import { type EvalRequest, requests } from "./requests.ts";

export interface EvalArguments {
  /** Null is the configured one. */
  model: string | null;
  tool_format: ReturnType<typeof agentConfig.parse>["tool_format"];
  requests: EvalRequest[];
  repeat: number;
  concurrency: number;
  /** Of the mean score, 0 to 1. */
  threshold: number;
  record: string | null;
  replay: string | null;
}

export const usage = `npm run eval -- [--model NAME] [--only KIND|ID,…] [--repeat 1] [--concurrency 4] [--threshold 0.9]
    [--tool-format native] [--record FILE | --replay FILE]`;

/** Providers limit requests per minute; more at once only makes them refuse. */
const MOST_AT_ONCE = 16;
const MOST_REPEATS = 20;

/** Throws with a sentence for people. */
export function readArguments(list: string[]): EvalArguments {
  const { values } = parseArgs({
    args: list,
    options: {
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
  if (record !== null && replay !== null) throw new Error("--record and --replay exclude each other");
  return {
    model,
    tool_format: readFormat(values["tool-format"]),
    requests: pickRequests(values.only),
    repeat: readCount("repeat", values.repeat, MOST_REPEATS),
    concurrency: readCount("concurrency", values.concurrency, MOST_AT_ONCE),
    threshold: readShare("threshold", values.threshold),
    record,
    replay,
  };
}

function readCount(name: string, value: string, most: number): number {
  if (/^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= most) return Number(value);
  throw new Error(`--${name} must be a whole number from 1 to ${most}`);
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

/** Those whose kind or id is named, in their usual order. */
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
