// The arguments of `npm run ask`: a request, and where to send it.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { CapName, Caps } from "../../src/protocol/money/caps.ts";

export interface AskArguments {
  /** Null lists the models, or runs checks again, instead. */
  message: string | null;
  /** Runs the checks of the thread's tasks again. */
  checks: boolean;
  /** Null is the agent's. */
  model: string | null;
  /** What the run may use at most. */
  caps: Caps;
  url: string | null;
  keyFile: string | null;
  thread: string | null;
  state: string;
}

export const usage = `npm run ask -- "帮我做一个电商网站" [--model NAME] [--thread ID] [--url URL] [--key-file FILE] [--state DIR]
               [--max-cost USD] [--max-tokens N] [--max-minutes N]
       npm run ask -- --models
       npm run ask -- --checks --thread ID
       With --url, the key is in the variable TASKLOOM_API_KEY or in a file (- is standard input).`;

const capOf: [option: "max-cost" | "max-tokens" | "max-minutes", name: CapName][] = [
  ["max-cost", "max_cost_usd"],
  ["max-tokens", "max_total_tokens"],
  ["max-minutes", "max_minutes"],
];

function readCaps(values: { [Option in (typeof capOf)[number][0]]?: string | undefined }): Caps {
  const given = capOf.flatMap(([option, name]): [CapName, number][] => {
    const text = values[option]?.trim();
    if (text === undefined) return [];
    // The server says which numbers it takes.
    if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`--${option} must be a number`);
    return [[name, Number(text)]];
  });
  return Object.fromEntries(given);
}

/** Throws an error with a message for people. */
export function readArguments(list: string[], root: string): AskArguments {
  const { values, positionals } = parseArgs({
    args: list,
    allowPositionals: true,
    options: {
      url: { type: "string" },
      "key-file": { type: "string" },
      thread: { type: "string" },
      model: { type: "string" },
      "max-cost": { type: "string" },
      "max-tokens": { type: "string" },
      "max-minutes": { type: "string" },
      models: { type: "boolean", default: false },
      checks: { type: "boolean", default: false },
      state: { type: "string", default: resolve(root, ".wrangler/state") },
    },
  });
  const message = positionals.join(" ");
  if (values.models && message.trim() !== "") throw new Error("--models takes no request");
  if (values.checks && (message.trim() !== "" || values.models)) throw new Error("--checks takes no request");
  if (values.checks && values.thread === undefined)
    throw new Error("--checks needs --thread, whose checks it runs again");
  if (!values.models && !values.checks && message.trim() === "") throw new Error("no request given");
  if (values.model?.trim() === "") throw new Error("--model must not be empty; --models lists the names");
  if (values.url !== undefined && !/^https?:$/.test(URL.parse(values.url)?.protocol ?? "")) {
    throw new Error("--url must be the address of a server, such as http://localhost:8787");
  }
  if (values.thread !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(values.thread)) {
    throw new Error("--thread must be 1 to 64 letters, digits, - or _");
  }
  return {
    message: values.models || values.checks ? null : message,
    checks: values.checks,
    model: values.model?.trim() ?? null,
    caps: readCaps(values),
    url: values.url ?? null,
    keyFile: values["key-file"] ?? null,
    thread: values.thread ?? null,
    state: resolve(values.state),
  };
}
